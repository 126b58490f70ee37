"""What a cluster must keep: one pure module a subject."""
