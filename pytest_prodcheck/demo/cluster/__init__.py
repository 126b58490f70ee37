"""The demo's cluster: recorded answers of a real API server, served as one. It is recorded, and says so."""
