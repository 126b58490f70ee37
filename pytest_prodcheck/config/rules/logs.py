"""What must hold between the keys of logs."""

from __future__ import annotations

from pytest_prodcheck.config import address, grammar
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import ClusterTarget, LogsTarget
from pytest_prodcheck.config.rules.checked import Checked, refuse_blank
from pytest_prodcheck.config.secrecy import REFERENCE

_SOURCES = ("file", "loki", "google")


def check(checked: Checked, path: KeyPath, target: LogsTarget) -> None:
    """Adds a problem for a source that is none or several, a window that nothing can tell, a promise that none
    breaks."""
    add = checked.problems.add
    named = [key for key in _SOURCES if key in target.model_fields_set]
    if len(named) > 1:
        add((*path, named[1]), f"logs have one source, not {' and '.join(named)}; a second is a target of its own",
            f'[env.NAME.logs.{named[1]}]')  # fmt: skip
    if "latency" in target.model_fields_set:
        add((*path, "latency"), "logs have no latency limit: what keeps them is not the system")
    if target.platform and not checked.ids(ClusterTarget):
        text = "logs without file, loki or google are those of the cluster's pods, and there is no cluster"
        add(path, text, 'file = "backend/server.log"')
    if target.since == "rollout" and not target.platform:
        text = "only pods tell when the rollout was: write a duration, or run"
        add((*path, "since"), text, 'since = "10m"')
    _promises(checked, path, target)
    _addresses(checked, path, target)


def _promises(checked: Checked, path: KeyPath, target: LogsTarget) -> None:
    add = checked.problems.add
    for key in ("file", "containers", "forbid"):
        if key in target.model_fields_set and not getattr(target, key):
            add((*path, key), f"{key} names nothing", f'{key} = ["…"]')
    if target.containers and not target.platform:
        add((*path, "containers"), "containers are of a cluster's pods, and these lines come from elsewhere")
    if (span := target.span) is not None and span <= 0:
        add((*path, "since"), "since is a window of no length", 'since = "10m"')
    if target.traffic and (limit := grammar.comparison(target.traffic)) and limit.holds(0):
        add((*path, "traffic"), "no traffic at all keeps this promise", 'traffic = "> 0"')
    if target.ready and target.ready.within <= 0:
        add((*path, "ready", "within"), "no program is ready at once", 'within = "30s"')


def _addresses(checked: Checked, path: KeyPath, target: LogsTarget) -> None:
    for key in ("loki", "google"):
        service = getattr(target, key)
        written = service.url if service and not REFERENCE.fullmatch(service.url) else ""
        if written and (problem := address.address_problem(written, "url")):
            checked.problems.add((*path, key, "url"), problem)
    if target.google:
        refuse_blank((*path, "google"), target.google, "filter", "filter is empty", checked.problems)
