"""Which criteria judge a shipped check: one module a suite, one function a test function."""
