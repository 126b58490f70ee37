"""What the keys of a compose project mean."""

from __future__ import annotations

from pytest_prodcheck.config.keys.words import Words

KEYS: Words = {
    "compose": (
        "In place of a cluster: the compose file, or several, merged as `docker compose -f` does.",
        'compose = "docker-compose.yml"',
    ),
    "services": (
        "Its services that must run; by default all but those with `profiles`.",
        'services = ["app", "db"]',
    ),
    "project": ("The project, if it has neither the file's `name` nor its folder's.", 'project = "plan"'),
    "docker": (
        "Address of the Docker daemon; by default DOCKER_HOST, then the usual socket.",
        'docker = "unix:///var/run/docker.sock"',
    ),
    "memory": ("Share of its memory limit that a container may use.", 'memory = "< 90%"'),
    "cpu": ("Share of the processors that it may use that a container uses.", 'cpu = "< 80%"'),
    "disk": ("What Docker may keep on the disk.", 'disk = "< 50GB"'),
}
