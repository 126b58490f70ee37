"""How clients prove who they are by a key, and tokens that end while the run goes on, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from identity_issuer import CLIENT, Issuer, judged, key, member
from small_server import Asked, Server, serving

from pytest_prodcheck.config.models import AuthTarget, Requests, User
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import token_answer
from pytest_prodcheck.targets.auth_prober import AuthProber
from pytest_prodcheck.targets.wire import Wire

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def pem(name: str, passphrase: bytes = b"") -> str:
    """A private key as its file holds it."""
    locked = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()


def keyed(name: str, **changes: Any) -> User:
    """A client that signs with a key."""
    plain = {
        "client_secret": None,
        "client_auth": "private_key_jwt",
        "client_key": pem(name),
        "client_key_id": "2026-08",
    }
    return member(**{**plain, **changes})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all cases."""
    with serving() as running:
        yield running


@pytest.fixture
def issuer(server: Server) -> Issuer:
    """A sound provider."""
    made = Issuer(server)
    made.serve()
    server.asked.clear()
    return made


class Run:
    """A prober whose clock is a test's to move, and what it remembered."""

    def __init__(self, issuer: Issuer, user: User) -> None:
        self.ahead, self.remembered = 0.0, dict[str, str]()
        table = AuthTarget(issuer=issuer.url, audience=["plan"])
        self.wire = Wire(Requests(), Redactor(), "grants")
        self.wire.open("auth", table, (issuer.url,), {}, Path())
        self.prober = AuthProber(
            self.wire, "auth", table, {"member": user}, {},
            lambda value, name: self.remembered.update({value: name}), lambda: time.time() + self.ahead,
        )  # fmt: skip

    def token(self) -> Any:
        """The user's token."""
        return self.prober.token("member").facts["token"]

    def bearer(self) -> str:
        """What requests of the user carry now."""
        return self.prober.credentials("member").get("authorization", "").removeprefix("Bearer ")


def asked(issuer: Issuer) -> list[dict[str, list[str]]]:
    """The forms that the token endpoint got."""
    return [parse_qs(one.body.decode()) for one in issuer.server.asked if one.path == "/token"]


@pytest.mark.parametrize(("name", "algorithm"), [("k2", "RS256"), ("e1", "ES256"), ("e3", "ES384"), ("ed", "EdDSA")])
@pytest.mark.parametrize("audience", ["token_endpoint", "issuer"])
def test_a_client_proves_who_it_is_by_its_key(issuer: Issuer, name: str, algorithm: str, audience: str) -> None:
    """A16, RFC 7523 §2.2 and §3: iss and sub are the client, aud the provider, a jti of its own, over in a minute."""
    token = Run(issuer, keyed(name, assertion_audience=audience)).token()
    (form,) = asked(issuer)
    assert token.value
    assert (form["client_assertion_type"], form["client_id"]) == ([ASSERTION], [CLIENT])
    assert "client_secret" not in form
    assert "authorization" not in issuer.server.asked[-1].headers
    (assertion,) = form["client_assertion"]
    expected = issuer.server.url + "/token" if audience == "token_endpoint" else issuer.url
    claims = jwt.decode(assertion, key(name).public_key(), [algorithm], audience=expected, issuer=CLIENT)
    assert (claims["sub"], jwt.get_unverified_header(assertion)["kid"]) == (CLIENT, "2026-08")
    assert claims["exp"] - claims["iat"] == 60
    assert len(claims["jti"]) > 16


@pytest.mark.parametrize(
    "given",
    ["no key at all", pem("k2", b"secret"), "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"],
    ids=["no pem", "a passphrase", "cut"],
)
def test_a_key_that_cannot_be_read_is_one_finding(issuer: Issuer, given: str) -> None:
    """Nothing is sent, nothing of the key is said."""
    user = keyed("k2", client_key=given)
    token = Run(issuer, user).token()
    (found,) = token_answer.obtained(token, user)
    assert "not sent: client_key is no private key in PEM, or has a passphrase" in found.message
    assert asked(issuer) == []
    assert "MIIB" not in str(found)


def test_a_refused_assertion_is_not_quoted(issuer: Issuer) -> None:
    """A provider that repeats what it got is not quoted."""

    def refuse(one: Asked) -> tuple[int, dict[str, str], Any]:
        sent = parse_qs(one.body.decode())["client_assertion"][0]
        return 401, {}, {"error": "invalid_client", "error_description": f"bad assertion {sent}"}

    issuer.server.routes["POST /token"] = refuse
    user = keyed("k2")
    (found,) = token_answer.obtained(Run(issuer, user).token(), user)
    assert found.code == "auth.client.rejected"
    assert "eyJ" not in str(found)


def test_a_token_is_renewed_before_it_ends_and_once(issuer: Issuer) -> None:
    """A16: 300 s of life are asked for again in their last 30, by one of all that need it, and the new one is kept."""
    run = Run(issuer, member())
    first = run.token().value
    run.ahead = 265.0
    assert run.bearer() == first
    run.ahead = 275.0
    issuer.claims = {"jti": "second", "exp": int(time.time()) + 575}
    with ThreadPoolExecutor(8) as pool:
        seen = {one.result() for one in [pool.submit(run.bearer) for _ in range(16)]}
    second = run.bearer()
    assert second != first
    assert seen <= {first, second}  # while one asks, the others still use what lasts for some seconds
    assert len(asked(issuer)) == 2
    assert second in run.remembered


def test_a_provider_that_gives_the_same_token_again_is_not_pressed(issuer: Issuer) -> None:
    """A16: it was asked once more, and is again when some seconds have passed, not before each request."""
    same = issuer.token()
    issuer.make = lambda _: same
    run = Run(issuer, member())
    run.token()
    run.ahead = 280.0
    assert {run.bearer() for _ in range(20)} == {same}
    assert len(asked(issuer)) == 2


def test_a_refresh_token_renews_and_is_itself_replaced(issuer: Issuer) -> None:
    """B72, RFC 6749 §6: the refresh token that came with the token, then the one that came with that."""
    given = iter(["dummy-refresh-one", "dummy-refresh-two", "dummy-refresh-three"])
    issuer.extra = lambda *_: {"refresh_token": next(given)}
    run = Run(issuer, member(grant="password", username="smoke", password="dummy-password"))
    run.token()
    for ahead in (290.0, 590.0):
        run.ahead = ahead
        issuer.claims = {"exp": int(time.time() + ahead) + 300, "jti": str(ahead)}
        assert run.bearer()
    forms = asked(issuer)
    assert [form["grant_type"] for form in forms] == [["password"], ["refresh_token"], ["refresh_token"]]
    assert [form.get("refresh_token") for form in forms] == [None, ["dummy-refresh-one"], ["dummy-refresh-two"]]
    assert "dummy-refresh-three" in run.remembered


def test_a_refused_refresh_token_is_no_end(issuer: Issuer) -> None:
    """B72: the grant itself is asked again, and only where that fails the old token is kept, and asked for no more."""
    issuer.extra = lambda *_: {"refresh_token": "dummy-refresh-one"}
    run = Run(issuer, member(grant="password", username="smoke", password="dummy-password"))
    first = run.token().value
    grant, refusals = issuer.server.routes["POST /token"], {"refresh_token"}

    def refuse(one: Asked) -> Any:
        kind = parse_qs(one.body.decode())["grant_type"][0]
        return (400, {}, {"error": "invalid_grant"}) if kind in refusals else grant(one)

    issuer.server.routes["POST /token"] = refuse
    run.ahead, issuer.claims = 290.0, {"jti": "second"}
    second = run.bearer()
    assert second != first
    refusals.add("password")
    run.ahead = 650.0
    assert [run.bearer() for _ in range(3)] == [second] * 3
    assert len(asked(issuer)) == 5


@pytest.mark.parametrize(
    "user",
    [User(grant="static").model_copy(update={"token": "TOKEN"}), member()],
    ids=["static", "without a lifetime"],
)
def test_what_cannot_be_renewed_is_not(issuer: Issuer, user: User) -> None:
    """A static token is what it is, and one that never ends needs no other."""
    if user.grant == "static":
        user = user.model_copy(update={"token": issuer.token()})
    else:
        issuer.make = lambda _: "opaque-token-1"
        issuer.server.routes["POST /token"] = (200, {}, {"access_token": "opaque-token-1", "token_type": "Bearer"})
    run = Run(issuer, user)
    first, before = run.token().value, len(asked(issuer))
    run.ahead = 86_400.0
    assert run.bearer() == first
    assert len(asked(issuer)) == before


@pytest.mark.parametrize(
    ("lasts", "found"),
    [(120, [("runner.token.expired", "warning")]), (3600, []), (-60, [("runner.token.expired", "error")])],
)
def test_a_static_token_lasts_until_the_deadline(
    issuer: Issuer, tmp_path: Path, lasts: int, found: list[tuple[str, str]]
) -> None:
    """R26, E43: one that ends before the run's deadline is a warning of its own cause, one that is over an error."""
    now = int(time.time())
    issuer.claims = {"exp": now + lasts, "iat": now - 3600}
    user = User(grant="static").model_copy(update={"token": issuer.token()})
    seen = judged(issuer, tmp_path, {}, user)["token"]
    assert [(one.code, one.severity) for one in seen] == found
    if lasts == 120:
        assert "token of member expires 180 s before the run's end" in seen[0].message.replace("3 min", "180 s")
