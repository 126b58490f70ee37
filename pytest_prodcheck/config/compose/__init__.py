"""A compose file as a promise: which services, ports, volumes, limits and health checks a deployment was made from."""
