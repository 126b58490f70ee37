"""What the API server itself wrote down about all gates of this session: the last word on reading only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clusters import Clusters

GATE = "prodcheck/"
RECORDER = "prodcheck-record"
READS = {"get", "list"}


def requests(lab: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the accounts of the gate asked for, by the audit log; what had no known account has no name."""
    lines = Path(lab["audit_log"]).read_text("utf-8").splitlines()
    found = [entry for entry in map(json.loads, lines) if not entry["user"].get("username", "").startswith("admin")]
    return [entry for entry in found if entry.get("userAgent", "") != RECORDER]


def test_the_audit_log_knows_no_write_of_ours(lab: Mapping[str, Any], clusters: Clusters) -> None:
    """Every request with our name on it, of every account, is a get or a list; and there were such requests."""
    assert clusters.of("").status == 0
    ours = [entry for entry in requests(lab) if entry.get("userAgent", "").startswith(GATE)]
    verbs = Counter(entry["verb"] for entry in ours)
    assert set(verbs) <= READS, verbs
    assert verbs["list"]
    resources = {entry.get("objectRef", {}).get("resource") for entry in ours}
    assert {"pods", "deployments", "events"} <= resources


def test_no_request_hides_behind_another_name(lab: Mapping[str, Any], clusters: Clusters) -> None:
    """Whoever read with the gate's accounts was the gate, and said so."""
    assert clusters.of("").status == 0
    mine = [entry for entry in requests(lab) if ":lab:" in entry["user"].get("username", "")]
    hidden = [entry for entry in mine if not entry.get("userAgent", "").startswith(GATE)]
    assert hidden == []
