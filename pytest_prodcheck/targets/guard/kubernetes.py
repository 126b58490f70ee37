"""Is this request to an API server a read of what we read? (Kubernetes API concepts, "Resource URIs" and "API verbs")

An allow-list: GET of a named or listed object, of a pod's log, and of `/version`. That a method is GET proves nothing
here: exec, attach, port-forward and proxy are served by GET, too.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.guard.origins import split
from pytest_prodcheck.targets.guard.words import words

_PLAIN = words("/version /readyz /livez /api /apis")
_REVIEWS = words("selfsubjectaccessreviews selfsubjectrulesreviews")
_NAME = compiled(r"[A-Za-z0-9._:-]+")
_GROUP = compiled(r"/(?:api/v1|apis/(?P<group>[a-z0-9.-]+)/v[a-z0-9]+)(?=/)")
_PARAMETERS = words(
    """limit continue labelSelector fieldSelector resourceVersion resourceVersionMatch includeObject container previous
    tailLines limitBytes sinceSeconds sinceTime timestamps pretty"""
)
_USE = "pods/log is the one subresource that is read; whatever else you need, type it yourself"


def check(request: HttpRequest, base: str = "") -> None:
    """Passes a GET of an object, a list, a pod's log or a document about the server; raises `errors.Refused` for all
    else: other methods (but for the reviews of one's own rights, which store nothing), subresources that act, watches,
    and headers that ask in somebody else's name. `base` is the path below which the API server is (Rancher's
    `/k8s/clusters/ID`), empty for most."""
    parts = split(request.url)
    what = f"{request.method} {parts.path or '/'}"
    _check_headers(request, what)
    if not parts.path.startswith(base):
        raise Refused(what, f"this path is not below {base}, where the API server is", "read an object or a list")
    group, segments = _segments(parts.path[len(base) :], what)
    resource, subresource = _named(segments)
    shown = "/".join(part for part in (resource, subresource) if part)
    if request.method != "GET":
        if request.method == "POST" and group == "authorization.k8s.io" and segments in ([name] for name in _REVIEWS):
            return
        raise Refused(what, f"verb {_verb(request.method, segments)} is denied on {shown}", "only GET is sent")
    if subresource and (resource, subresource) != ("pods", "log"):
        raise Refused(what, f"{shown} is not a read, although its method is GET", _USE)
    if subresource and len(segments) != (5 if segments[0] == "namespaces" else 3):
        raise Refused(what, f"{shown} has no further parts", _USE)
    _check_parameters(parts.query, what)


def _check_headers(request: HttpRequest, what: str) -> None:
    for name in request.headers:
        if name.lower().startswith("impersonate-"):
            raise Refused(what, f"header {name} is denied: it asks with somebody else's rights", "use that user's own")
        if name.lower() == "upgrade":
            raise Refused(what, "header Upgrade is denied: it makes a tunnel of a GET", "leave it out")


def _segments(path: str, what: str) -> tuple[str, list[str]]:
    """The API group and the path's segments behind group and version."""
    if path in _PLAIN:
        return "", []
    found = _GROUP.match(path)
    if found is None:
        raise Refused(what, "this path of an API server is not on the list of reads", "read an object or a list")
    segments = path[found.end() + 1 :].split("/")
    if segments[0] in ("watch", "proxy"):
        raise Refused(what, f"{segments[0]} is denied: it is no single answer", "read an object or a list")
    if any(not _NAME.fullmatch(unquote(segment)) or unquote(segment) in (".", "..") for segment in segments):
        raise Refused(what, "a part of the path is no name of an object", "write names plainly")
    return found["group"] or "", segments


def _named(segments: list[str]) -> tuple[str, str]:
    """Resource and subresource: `namespaces/NS/pods/NAME/log` is ("pods", "log")."""
    if segments[:1] == ["namespaces"] and len(segments) > 2:
        segments = segments[2:]
    return (segments[0] if segments else "", "/".join(segments[2:]))


def _verb(method: str, segments: list[str]) -> str:
    many = len(segments) in (1, 3)
    verbs = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "deletecollection" if many else "delete"}
    return verbs.get(method, method)


def _check_parameters(query: str, what: str) -> None:
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in ("watch", "follow") and value.lower() not in ("false", "0"):
            raise Refused(what, f"{name} is denied: its answer never ends", "ask again instead")
        if name not in _PARAMETERS | {"watch", "follow"}:
            raise Refused(what, f"query parameter {name} is not on the list of reads", "leave it out")
