"""A Kubernetes API server: how it is found, who we are to it, what is read of it. Shared by targets, like the wire."""
