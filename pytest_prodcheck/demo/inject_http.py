"""Faults of the HTTP host: certificates, gateways, limits, single routes, answers of another kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jwt
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from pytest_prodcheck.demo import fronts
from pytest_prodcheck.demo.api import HOME
from pytest_prodcheck.demo.certificates import HOST, Kind
from pytest_prodcheck.demo.issuer import SigningKey
from pytest_prodcheck.demo.system import System, bound

Injection = Callable[[System], None]
_TASKS, _REPORT = fronts.only("/api/tasks"), fronts.only("/api/report")
_DAYS = 86400.0


def _certificate(kind: Kind) -> Injection:
    return lambda demo: demo.certify("api", kind)


def _front(*broken: fronts.Front) -> Injection:
    return lambda demo: demo.fronts["api"].extend(broken)


def _down(demo: System) -> None:
    demo.down.add("api")


def _gateway(where: fronts.Path = fronts.everywhere, *, listens: bool) -> Injection:
    """A gateway to a port where nothing listens, or where something accepts and never answers."""

    def inject(demo: System) -> None:
        upstream = bound()
        if listens:
            upstream.listen(64)
        demo.open_sockets.append(upstream)
        demo.fronts["api"].append(fronts.Gateway((HOST, upstream.getsockname()[1]), where))

    return inject


def _no_backend(demo: System) -> None:
    demo.fronts["api"].append(fronts.Gateway(None))


def _crash_behind_gateway(demo: System) -> None:
    """The upstream accepts, closes and says no line of HTTP: the advice service stands for an application that dies."""
    demo.fronts["api"].append(fronts.Gateway((HOST, demo.port("advice")), _REPORT))


def _unhandled(demo: System) -> None:
    demo.api.broken_report = True


def _old_version(demo: System) -> None:
    demo.api.revision = "demo-0"


def _header_dropped(demo: System) -> None:
    for host in ("api", "graphql"):
        demo.fronts[host].append(fronts.drops_header(b"authorization"))


def _replicas(demo: System) -> None:
    """Two replicas take turns; the second holds another key under the same id."""
    other = demo.consumer()
    foreign = SigningKey.generate(demo.issuer.signing.kid)
    other.keys = _keys(foreign)
    demo.api.consumers = [*demo.api.consumers, other]


def _keys(key: SigningKey) -> dict[str, jwt.PyJWK]:
    return {key.kid: jwt.PyJWK(key.as_jwk())}


def _teapot(_: Scope) -> Response:
    return Response(status_code=418)


def _maintenance(_: Scope) -> Response:
    return JSONResponse({"error": "down for maintenance"}, 503, {"Retry-After": "600"})


def _quota(_: Scope) -> Response:
    return JSONResponse({"error": "quota exceeded"}, 429, {"Retry-After": "120"})


def _single_page(_: Scope) -> Response:
    return HTMLResponse(HOME)


INJECTIONS: Mapping[str, Injection] = {
    "certificate-expired": _certificate("expired"),
    "certificate-hostname": _certificate("hostname"),
    "certificate-untrusted": _certificate("untrusted"),
    "certificate-chain": _certificate("chain"),
    "api-down": _down,
    "api-hangs": _front(fronts.delays(fronts.everywhere, _DAYS)),
    "gateway-502": _gateway(listens=False),
    "gateway-503": _no_backend,
    "gateway-504": _gateway(_REPORT, listens=True),
    "gateway-502-route": _crash_behind_gateway,
    "route-crash": _front(fronts.closes_connection(_REPORT)),
    "body-truncated": _front(fronts.truncates(_REPORT)),
    "unhandled-exception": _unhandled,
    "maintenance": _front(fronts.answers(fronts.everywhere, _maintenance)),
    "rate-limited-ours": _front(fronts.RateLimit(10, retry_after=120)),
    "rate-limited-others": _front(fronts.answers(fronts.everywhere, _quota)),
    "redirect-loop": _front(fronts.redirects({"/login": "/", "/": "/login"})),
    "header-dropped": _header_dropped,
    "replicas-disagree": _replicas,
    "html-instead-of-json": _front(fronts.answers(fronts.under("/api/"), _single_page)),
    "slow": _front(fronts.delays(fronts.only("/api/projects", "/api/report", "/api/search"), 1.8)),
    "old-version": _old_version,
    "teapot": _front(fronts.answers(_REPORT, _teapot)),
}
