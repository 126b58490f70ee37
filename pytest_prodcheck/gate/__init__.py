"""The active session: what is planned, who sends, what is blocked, what the run comes to."""
