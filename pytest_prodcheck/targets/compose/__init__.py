"""A compose project: one snapshot of its containers a run."""
