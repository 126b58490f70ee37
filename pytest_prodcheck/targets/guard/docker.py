"""Is this request to a Docker daemon a proven read? Only listed paths, only GET: who may write there is root on it."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from pytest_prodcheck.errors import Refused

_VERSION = re.compile(r"/v1\.\d{1,3}(?=/)")
_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}"
_IMAGE = r"[A-Za-z0-9][A-Za-z0-9_.:@/-]{0,511}"
_READS = {
    r"/version": frozenset[str](),
    r"/info": frozenset[str](),
    r"/containers/json": frozenset({"all", "filters"}),
    rf"/containers/{_ID}/json": frozenset[str](),
    rf"/containers/{_ID}/logs": frozenset({"stdout", "stderr", "since", "until", "timestamps", "tail"}),
    rf"/containers/{_ID}/stats": frozenset({"stream", "one-shot"}),
    rf"/images/{_IMAGE}/json": frozenset[str](),
    r"/system/df": frozenset({"type"}),
}
"""Paths that only read, and the parameters that they may have: no `follow`, nothing that keeps an answer open."""
_READ = {re.compile(path): parameters for path, parameters in _READS.items()}


def check(method: str, url: str) -> None:
    """Passes a request that may be sent; raises `errors.Refused` with the reason for any other."""
    parts = urlsplit(url)
    path = _VERSION.sub("", parts.path, count=1)
    what = f"docker {method} {path}"
    if method != "GET":
        raise Refused(what, f"method {method} is not a read", "a deployment is changed by whoever owns it")
    if "%" in path or "//" in path or ".." in path.split("/"):
        raise Refused(what, "path is not written plainly", "name containers and images as `docker ps` shows them")
    known = next((parameters for read, parameters in _READ.items() if read.fullmatch(path)), None)
    if known is None:
        raise Refused(what, "path is not on the list of reads", "only containers, images and disk use are read")
    given = parse_qsl(parts.query, keep_blank_values=True)
    if unknown := sorted({name for name, _ in given} - known):
        raise Refused(what, f"parameter {unknown[0]} is not on the list", "answers are bounded, none is followed")
    if path.endswith("/stats") and ("stream", "false") not in given:
        raise Refused(what, "statistics without stream=false never end", "ask for one look")
