"""The warnings of a namespace, by what they are about."""

from __future__ import annotations

from pytest_prodcheck.observe.cluster import Cluster, Object, moment, number, text


def of(cluster: Cluster, kind: str, name: str) -> list[Object]:
    """Warnings about one object, the newest last."""
    mine = [
        event
        for event in cluster.objects.get("events", ())
        if (text(event, "involvedObject", "kind"), text(event, "involvedObject", "name")) == (kind, name)
    ]
    return sorted(mine, key=seen_at)


def seen_at(event: Object) -> float:
    """When it was last seen, by whichever of its three clocks is set; seconds since the epoch."""
    times = (text(event, "series", "lastObservedTime"), text(event, "lastTimestamp"), text(event, "eventTime"))
    created = text(event, "metadata", "creationTimestamp")
    return next((found for said in (*times, created) if (found := moment(said))), 0.0)


def last(events: list[Object], *reasons: str, saying: str = "") -> str:
    """The message of the newest one with one of these reasons that begins so; empty where there is none."""
    return next(
        (
            text(event, "message")
            for event in reversed(events)
            if text(event, "reason") in reasons and text(event, "message").startswith(saying)
        ),
        "",
    )


def of_container(events: list[Object], name: str) -> list[Object]:
    """Those that are about that container of their pod, or do not say which (`spec.containers{app}`)."""
    paths = ((event, text(event, "involvedObject", "fieldPath")) for event in events)
    return [event for event, path in paths if not path or path.endswith(f"{{{name}}}")]


def line(event: Object) -> str:
    """An event in a line: `FailedMount ×3: MountVolume.SetUp failed …`."""
    count = number(event, "series", "count") or number(event, "count")
    times = f" ×{count}" if count > 1 else ""
    return f"{text(event, 'reason')}{times}: {' '.join(text(event, 'message').split())[:300]}"
