"""The Engine API of a Docker daemon, read only: what compose projects and their logs share."""
