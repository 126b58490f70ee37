"""Earlier runs: what their verdicts say, and what has changed since."""
