"""Criteria: pure functions from observations and a contract to findings."""
