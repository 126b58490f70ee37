"""The cluster target: one snapshot a run."""
