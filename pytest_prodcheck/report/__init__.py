"""How a verdict is said. Nothing is decided here."""
