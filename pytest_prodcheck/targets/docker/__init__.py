"""A Docker daemon, read only: one snapshot of a compose project a run, and containers' logs."""
