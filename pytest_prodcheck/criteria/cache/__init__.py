"""What a cache promises: one pure module a family."""
