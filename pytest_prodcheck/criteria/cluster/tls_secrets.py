"""The certificates that Ingresses and Gateways serve: until when, and for which hosts (B62, D46)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.criteria.cluster import routes
from pytest_prodcheck.criteria.cluster.scene import Scene, day, some
from pytest_prodcheck.observe.cluster import Keys, items, name_of, text
from pytest_prodcheck.observe.cluster_parts import texts
from pytest_prodcheck.observe.finding import Finding

_REMEDY = {
    "cluster.config.secret_missing": "create Secret {}, or see why its issuer does not",
    "cluster.certificate.unreadable": "put a PEM certificate and its key into Secret {}",
    "cluster.certificate.expired": "renew Secret {}; see why its issuer did not",
    "cluster.certificate.not_yet_valid": "compare the clocks; keep the one before in Secret {} until then",
    "cluster.certificate.expires_soon": "renew Secret {} before it ends",
    "cluster.certificate.wrong_host": "issue the certificate in Secret {} for all hosts that are served with it",
}


def judge(scene: Scene) -> list[Finding]:
    """Secrets that are served and are not there, hold no certificate, one that ends, or one for other names."""
    found: list[Finding] = []
    for name, (by, hosts) in served(scene).items():
        if name not in scene.cluster.secrets:
            continue
        secret = scene.cluster.secrets[name]
        if secret is None:
            words = f"Secret {name} does not exist, wanted by {by} for its certificate"
            found.append(_found(scene, name, by, "cluster.config.secret_missing", words, "missing", "exists"))
        else:
            found += _judged(scene, secret, by, hosts)
    return found


def served(scene: Scene) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Secret → who serves its certificate, and for which hosts."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, by, hosts in _served(scene):
        before = found.get(name, (by, ()))
        found[name] = before[0], tuple(dict.fromkeys((*before[1], *hosts)))
    return found


def covers(names: Sequence[str], host: str) -> bool:
    """Whether a certificate for `names` is one for `host`; `*` stands for one label (RFC 6125)."""
    host = host.lower().rstrip(".")
    return any(one.lower() in (host, f"*.{host.partition('.')[2]}") for one in names if one)


def _served(scene: Scene) -> Iterator[tuple[str, str, Sequence[str]]]:
    for ingress in scene.listed(routes.INGRESSES):
        for one in items(ingress, "spec", "tls"):
            if name := text(one, "secretName"):
                yield name, f"ingress/{name_of(ingress)}", texts(one, "hosts")
    for gateway in scene.listed(routes.GATEWAYS):
        for listener in items(gateway, "spec", "listeners"):
            for one in items(listener, "tls", "certificateRefs"):
                host, here = text(listener, "hostname"), text(one, "namespace") in ("", scene.cluster.namespace)
                if here and (name := text(one, "name")):
                    yield name, f"gateway/{name_of(gateway)}", [host] if host else []


def _judged(scene: Scene, secret: Keys, by: str, hosts: Sequence[str]) -> Iterator[Finding]:
    name, known, now = secret.name, secret.certificate, scene.cluster.now
    if not known:
        what = "has no key tls.crt" if "tls.crt" not in secret.keys else "cannot be read"
        yield _found(scene, name, by, "cluster.certificate.unreadable", _words(name, by, what), "none", "a certificate")
        return
    start, end = float(known["not_before"]), float(known["not_after"])
    names, promised = [str(one) for one in known.get("names") or ()], "valid"
    code = what = ""
    if end <= now:
        code, what = "cluster.certificate.expired", f"expired on {day(end)}"
    elif start > now:
        code, what = "cluster.certificate.not_yet_valid", f"is valid only from {day(start)}"
    elif end - now < scene.promised.valid_for:
        promised = f"valid for {show_duration(scene.promised.valid_for)}"
        code, what = (
            "cluster.certificate.expires_soon",
            f"ends on {day(end)}, in {(end - now) / 86400:.0f} d; promised {promised}",
        )
    if code:
        yield _found(scene, name, by, code, _words(name, by, what), f"{day(start)} to {day(end)}", promised)
    if others := [host for host in hosts if not covers(names, host)]:
        words = _words(name, by, f"is for {some(names) or 'no name'}, not for {some(others)}")
        yield _found(scene, name, by, "cluster.certificate.wrong_host", words, some(names), some(others))


def _words(name: str, by: str, what: str) -> str:
    return f"the certificate in Secret {name}, served by {by}, {what}"


def _found(scene: Scene, name: str, by: str, code: str, message: str, seen: str, promised: str) -> Finding:
    return scene.found(
        code, message, f"secret/{name}", seen=seen, promised=promised, remedy=_REMEDY[code].format(name),
        next=scene.kubectl("describe secret", name), data={"name": name, "kind": "Secret", "route": by},
    )  # fmt: skip
