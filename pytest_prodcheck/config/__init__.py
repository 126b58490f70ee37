"""`prodcheck.toml` as frozen models, its references to secrets, and the redaction of what they give."""
