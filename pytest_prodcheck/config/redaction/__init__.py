"""Secrets by value and by shape, removed from every text that leaves the process (design.md §6)."""

from pytest_prodcheck.config.redaction.patterns import scrub_patterns
from pytest_prodcheck.config.redaction.redactor import Redactor

__all__ = ["Redactor", "scrub_patterns"]
