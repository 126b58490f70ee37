"""The issuer answers with its own metadata (OpenID Connect Discovery 1.0 §4.3, RFC 8414 §3.3)."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.identity import Discovery
from pytest_prodcheck.observe.observation import Observation

_NEEDED: Final = ("jwks_uri", "token_endpoint")
OAUTH_GRANTS: Final = ("client_credentials", "password", "refresh_token")


def discovery(found: Discovery, auth: AuthTarget, *, target: str = "auth") -> list[Finding]:
    """What is wrong with the issuer's metadata: not there, not JSON, another issuer's, without keys or endpoints."""
    if found.problem:
        return [_unusable(found, target)]
    findings = [finding for finding in (_issuer(found, auth, target),) if finding]
    missing = [name for name in _NEEDED if not getattr(found, name)]
    if missing and not findings:
        what = f"{found.url} names no {' and no '.join(missing)}"
        findings.append(_finding(target, what, "auth.discovery.wrong_application", url=found.url))
    findings += [_unaskable(found, name, target) for name in _NEEDED if _is_broken(getattr(found, name))]
    return findings + [_downgraded(found, name, url, target) for name, url in without_tls(found, auth)]


def grant_allowed(found: Discovery, user: User, name: str, *, target: str = "auth") -> list[Finding]:
    """Whether discovery lists the user's grant (A16). A document that lists none promises nothing (RFC 8414 §2)."""
    if found.problem or user.grant not in OAUTH_GRANTS or not found.grants or user.grant in found.grants:
        return []
    what = f"{name} uses grant {user.grant}, discovery lists {', '.join(found.grants)}"
    finding = _finding(
        target, what, "auth.grant.not_allowed", severity="warning", user=name, expected=list(found.grants)
    )
    return [finding]


def absolute(url: str) -> SplitResult | None:
    """The parts of an absolute http(s) URL; None for anything else."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return None
    return parts if usable and url.isprintable() and " " not in url else None


def slash_hint(seen: str, expected: str) -> str:
    """Words for two issuers that differ by their last slash only; empty for others."""
    if seen.rstrip("/") != expected.rstrip("/") or seen == expected:
        return ""
    return " (iss ends with a slash, expected none)" if seen.endswith("/") else " (iss lacks the slash at the end)"


def transport_code(observation: Observation) -> str:
    """The cause of an identity provider that gave no answer."""
    return "auth.idp.certificate_expired" if observation.error == "tls.expired" else "auth.idp.unreachable"


def _unusable(found: Discovery, target: str) -> Finding:
    seen = found.observation
    if found.problem == "unreachable":
        what = f"{found.url} does not answer: {seen.error} {seen.message}".rstrip()
        return _finding(target, what, transport_code(seen), url=found.url, error=seen.error)
    if found.problem == "not_json":
        what = f"{found.url} answers {_type(seen)}, not a JSON object"
        return _finding(target, what, "auth.discovery.wrong_application", url=found.url, status=seen.status)
    if found.problem == "too_large":
        what = f"{found.url} answers {seen.size} bytes: that is no discovery document"
        return _finding(target, what, "auth.discovery.wrong_application", url=found.url, status=seen.status)
    if found.problem == "redirected":
        where = seen.headers.get("location", "nowhere")[:300]
        what = f"{found.url} redirects to {where}: it is not followed, a document is there or it is not"
        return _finding(target, what, "auth.discovery.wrong_application", url=found.url, status=seen.status)
    what = f"{found.url} answers {seen.status}: there is no such issuer here, or its name is written differently"
    code = "auth.discovery.wrong_application" if found.problem == "not_found" else "unknown"
    what = what if found.problem == "not_found" else f"{found.url} answers {seen.status}"
    return _finding(target, what, code, url=found.url, status=seen.status)


def _issuer(found: Discovery, auth: AuthTarget, target: str) -> Finding | None:
    """Byte by byte: RFC 8414 §3.3 and OpenID Connect Discovery §4.3 forbid any normalisation."""
    if found.issuer == auth.issuer:
        return None
    hint = slash_hint(found.issuer, auth.issuer)
    code = "auth.token.issuer_mismatch" if hint else "auth.discovery.wrong_application"
    what = f"discovery says issuer {found.issuer or 'nothing'}, expected {auth.issuer}{hint}"
    return _finding(target, what, code, seen=found.issuer, expected=auth.issuer, iss=found.issuer, url=found.url)


def without_tls(found: Discovery, auth: AuthTarget) -> list[tuple[str, str]]:
    """The endpoints that a gate needs, and that an https issuer names without TLS: name and URL."""
    if not auth.issuer.startswith("https:"):
        return []
    named = [("token_endpoint", found.token_endpoint), ("jwks_uri", found.jwks_uri)]
    return [(name, url) for name, url in named if absolute(url) and not url.lower().startswith("https:")]


def _is_broken(url: str) -> bool:
    return bool(url) and absolute(url) is None


def _unaskable(found: Discovery, name: str, target: str) -> Finding:
    what = f"{found.url} names {name} {getattr(found, name)[:200]!a}: that is no URL, and no client can ask it"
    return _finding(target, what, "auth.metadata.malformed", url=found.url, endpoint=name, expected="a URL")


def _downgraded(found: Discovery, name: str, url: str, target: str) -> Finding:
    what = f"discovery names {name} {url} without TLS: the provider does not know its own scheme behind the proxy"
    return _finding(target, what, "auth.discovery.insecure_endpoint", seen=url, expected="https", url=found.url)


def _type(observation: Observation) -> str:
    return observation.headers.get("content-type", "").partition(";")[0] or "no content type"


def _finding(
    target: str, message: str, code: str, *, severity: str = "error", seen: str = "", **data: object
) -> Finding:
    promised = data.get("expected", "")
    return Finding(
        "discovery",
        target,
        message,
        code,
        "warning" if severity == "warning" else "error",
        seen=seen,
        promised=promised if isinstance(promised, str) else "",
        data=data | ({"seen": seen} if seen else {}),
    )
