"""Tokens that a service must refuse: really made, really sent, by the gate's own probers (A20, A22, B71, B72, E7)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from identity_issuer import GONE, ROLES, changed, jwk, key
from small_server import Asked, Server, serving

from pytest_prodcheck.config.models import AuthTarget, Endpoint, GraphqlTarget, HttpTarget, Requests, Specimens
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import refusals
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.identity import Jwk, Jwks
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.auth import _key
from pytest_prodcheck.targets.forgery import Forger
from pytest_prodcheck.targets.graphql_prober import GraphqlProber
from pytest_prodcheck.targets.http import HttpProber
from pytest_prodcheck.targets.wire import Wire

SECRET = "a shared secret of more than 32 bytes"
ALL = (
    "none",
    "expired",
    "audience",
    "alg_none",
    "hs256_public_key",
    "unknown_kid",
    "embedded_key",
    "tampered",
    "signature",
)
KEYS = {name: jwk(name) for name in ("k1", "e1")}
Verifier = Callable[[str], Mapping[str, Any]]


def claims(**changes: Any) -> dict[str, Any]:
    """A sound token's claims."""
    now = int(time.time())
    sound = {"iss": "http://issuer.test/", "aud": "plan", "sub": "u-7", "iat": now, "exp": now + 300, "roles": ROLES}
    return changed(sound, changes)


def token(signer: str = "k1", **changes: Any) -> str:
    """A token of the issuer; `secret` signs by HS256."""
    if signer == "secret":
        return jwt.encode(claims(**changes), SECRET, "HS256")
    return jwt.encode(claims(**changes), key(signer), "RS256" if signer == "k1" else "ES256", {"kid": signer})


def sound(shown: str) -> Mapping[str, Any]:
    """How a service verifies a token of these issuers. Raises jwt.PyJWTError."""
    header = jwt.get_unverified_header(shown)
    if header["alg"] == "HS256" and "kid" not in header:
        return jwt.decode(shown, SECRET, ["HS256"], audience="plan")
    if header.get("kid") not in KEYS:
        raise jwt.InvalidKeyError("unknown")
    return jwt.decode(shown, jwt.PyJWK(KEYS[header["kid"]]), ["RS256", "ES256"], audience="plan")


def blind(*names: str) -> Verifier:
    """A verifier that does not look at something."""

    def verify(shown: str) -> Mapping[str, Any]:
        header = jwt.get_unverified_header(shown)
        options = {f"verify_{name}": False for name in names}
        if names == ("alg",) and header["alg"].lower() == "none":
            return jwt.decode(shown, options={"verify_signature": False})
        if names == ("kid",) and header.get("kid") not in KEYS:
            return jwt.decode(shown, options={"verify_signature": False})
        if names == ("jwk",) and "jwk" in header:
            return jwt.decode(shown, jwt.PyJWK(header["jwk"], "RS256"), ["RS256"], audience="plan")
        if names == ("signature",):
            return jwt.decode(shown, options={"verify_signature": False})
        if names == ("public",) and header["alg"] == "HS256":
            return sound_by_public_key(shown)
        return jwt.decode(shown, jwt.PyJWK(KEYS[header["kid"]]), ["RS256"], audience="plan", options=options)

    return verify


def sound_by_public_key(shown: str) -> Mapping[str, Any]:
    """The confusion of algorithms: whatever the header names, with the one key there is."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key("k1").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text, _, mark = shown.rpartition(".")
    made = hmac.new(public.strip(), text.encode(), hashlib.sha256).digest()
    if jose.unbase64url(mark) != made:
        raise jwt.InvalidSignatureError("no")
    return jwt.decode(shown, options={"verify_signature": False})


@dataclass
class Service:
    """A service behind one route, and what was remembered of the tokens that were made for it."""

    server: Server
    remembered: dict[str, str]

    def answering(self, verify: Verifier | None, refusal: int = 401) -> None:
        """Answers 200 to what `verify` takes (None: to anybody), `refusal` to anything else; GraphQL likewise."""

        def rest(asked: Asked) -> tuple[int, dict[str, str], Any]:
            return (200, {}, {"tasks": [1]}) if _takes(asked, verify) else (refusal, {}, {"error": "invalid_token"})

        def graphql(asked: Asked) -> tuple[int, dict[str, str], Any]:
            role = asked.headers.get("x-hasura-role", "user")
            if not _takes(asked, verify) or role not in (*ROLES["x-hasura-allowed-roles"], "" if verify else role):
                return 200, {}, {"errors": [{"message": "Could not verify JWT", "extensions": {"code": "invalid-jwt"}}]}
            return 200, {}, {"data": {"__typename": "query_root"}}

        self.server.routes["GET /tasks"] = rest
        self.server.routes["POST /graphql"] = graphql

    def http(
        self, good: str, *names: str, refused: tuple[int, ...] = (), auth: AuthTarget | None = None
    ) -> list[Finding]:
        """What is found of `refuses = [names]` on an endpoint."""
        table = HttpTarget(
            url=self.server.url,
            endpoints={"tasks": Endpoint(path="/tasks", as_="member", refuses=names, refused=refused)},
        )
        wire = self._wire(table)
        prober = HttpProber(wire, "http", table, lambda _: {"authorization": f"Bearer {good}"}, 4, self._forger(auth))
        found = prober.probe("test_refuses", "tasks", "", 1)
        wire.close()
        return judged(found, refused, auth)

    def graphql(self, good: str, *names: str, refused: tuple[int, ...] = ()) -> list[Finding]:
        """What is found of `refuses = [names]` on a GraphQL API without documents."""
        table = GraphqlTarget(url=self.server.url + "/graphql", engine="hasura", refuses=names, refused=refused)
        wire = self._wire(table)
        credentials = {"authorization": f"Bearer {good}"}
        prober = GraphqlProber(wire, "http", table, {}, {}, lambda _: credentials, self._forger(None))
        found = prober.probe("test_refuses", "", "member", 1)
        wire.close()
        return judged(found, refused, None)

    def _wire(self, table: HttpTarget | GraphqlTarget) -> Wire:
        from pathlib import Path

        wire = Wire(Requests(), Redactor(), "refusals")
        wire.open("http", table, (table.url,), {}, Path())
        return wire

    def _forger(self, auth: AuthTarget | None) -> Forger:
        keys = Jwks("http://issuer.test/jwks", Observation("auth", "jwks"), "", published())
        return Forger(auth or AuthTarget(), lambda: keys, lambda value, name: self.remembered.update({value: name}))


def _takes(asked: Asked, verify: Verifier | None) -> bool:
    shown = asked.headers.get("authorization", "").removeprefix("Bearer ")
    if verify is None:
        return True
    try:
        return bool(shown) and bool(verify(shown))
    except (jwt.PyJWTError, KeyError, ValueError):
        return False


def published() -> tuple[Jwk, ...]:
    """The issuer's keys, as a JWKS gives them."""
    return tuple(_key(found) for found in KEYS.values())


def judged(found: Evidence, refused: tuple[int, ...], auth: AuthTarget | None) -> list[Finding]:
    """What the criterion says of a prober's evidence."""
    facts = found.facts
    lists = (facts.get("refusals", ()), facts.get("unmade", {}), facts.get("specimens", {}))
    asked = refusals.Asked(facts.get("good"), *lists, facts.get("jwks"))
    return refusals.refusals(asked, refused, auth or AuthTarget(audience=["plan"]), time.time(), "http")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all cases."""
    with serving() as running:
        yield running


@pytest.fixture
def service(server: Server) -> Service:
    """A service that verifies as it should."""
    server.asked.clear()
    made = Service(server, {})
    made.answering(sound)
    return made


def specimens(**changes: Any) -> AuthTarget:
    """An auth target with genuine tokens that are over, and for another audience."""
    now = int(time.time())
    given = {"expired": token(exp=now - 60, iat=now - 360), "audience": token(aud="billing"), **changes}
    kept = Specimens().model_copy(update={name: value for name, value in given.items() if value is not GONE})
    return AuthTarget(issuer="http://issuer.test/", audience=["plan"]).model_copy(update={"specimens": kept})


@pytest.mark.parametrize("signer", ["k1", "e1"])
def test_a_service_that_verifies_is_green(service: Service, signer: str) -> None:
    """A20, B71, B72: all nine are refused, of an RSA and of an EC issuer; each was sent, and none of them is good."""
    assert service.http(token(signer), *ALL, auth=specimens()) == []
    shown = [asked.headers.get("authorization", "").removeprefix("Bearer ") for asked in service.server.asked]
    assert len(set(shown)) == len(shown) == 12  # the good one, nine, and a second spelling of two


def test_a_graphql_engine_that_verifies_is_green(service: Service) -> None:
    """A20, A22: an error in an answer of 200 is Hasura's refusal; another role than the allowed ones is refused."""
    assert service.graphql(token(), "none", "alg_none", "hs256_public_key", "tampered", "role") == []
    assert service.server.asked[-1].headers["x-hasura-role"] == "admin"
    assert json.loads(service.server.asked[-1].body)["query"] == "query Refused {__typename}"


ACCEPTING = {
    "without any token": (
        None,
        "auth.anonymous.accepted",
        "answered like one with a good token (and so is expired, au",
    ),
    "alg none": (blind("alg"), "auth.algorithm.none_accepted", "a token that is not signed (alg none) is accepted"),
    "the public key": (blind("public"), "auth.algorithm.confused", "HS256 with the public key as its secret"),
    "an unknown kid": (blind("kid"), "auth.key.unknown_accepted", "a key that nobody published"),
    "an embedded key": (blind("jwk"), "auth.key.embedded_accepted", "the key in its own header"),
    "exp": (blind("exp"), "auth.expiry.not_checked", "a genuine token that is over is accepted"),
    "aud": (blind("aud"), "auth.audience.not_checked", "a genuine token for another audience is accepted"),
    "no signature": (
        blind("signature"),
        "auth.signature.not_checked",
        "accepted (and so is expired, audience, alg_none",
    ),
}


@pytest.mark.parametrize("blindness", ACCEPTING)
def test_what_is_accepted_and_must_not_be_is_critical(service: Service, blindness: str) -> None:
    """A20, E7: one finding with the cause of its own; a service that verifies nothing has one, not nine."""
    verify, code, words = ACCEPTING[blindness]
    service.answering(verify)
    found = service.http(token(), *ALL, auth=specimens())
    also = ["auth.key.embedded_accepted"] if code == "auth.key.unknown_accepted" else []  # its header names no kid
    assert [one.code for one in found] == [code, *also]
    one = found[0]
    assert (one.severity, one.message[:9]) == ("error", "critical:")
    assert words in one.message


def test_a_role_beyond_the_allowed_ones_is_critical(service: Service) -> None:
    """A22: the engine grants what x-hasura-role asks for."""
    service.answering(lambda shown: {**sound(shown)})
    service.server.routes["POST /graphql"] = (200, {}, {"data": {"__typename": "query_root"}})
    codes = [one.code for one in service.graphql(token(), "role")]
    assert codes == ["auth.anonymous.accepted"]  # such a server asks nobody who he is
    service.server.routes["POST /graphql"] = lambda asked: (
        (200, {}, {"data": {"__typename": "query_root"}}) if "authorization" in asked.headers else (401, {}, {})
    )
    (one,) = service.graphql(token(), "role")
    assert (one.code, one.message) == (
        "auth.role.not_checked",
        "critical: query Refused: a role beyond the token's allowed roles is granted",
    )


@pytest.mark.parametrize(
    ("status", "refused", "codes"),
    [
        (403, (), []),
        (400, (), []),
        (401, (401,), []),
        (403, (401,), ["auth.refusal.wrong_status"]),
        (404, (), ["auth.refusal.wrong_status"]),
        (404, (404,), []),
        (302, (), ["auth.refusal.wrong_status"]),
        (500, (), ["auth.refusal.crashes"]),
        (503, (401,), ["auth.refusal.crashes"]),
    ],
)
def test_a_refusal_has_the_promised_status(
    service: Service, status: int, refused: tuple[int, ...], codes: list[str]
) -> None:
    """A20, E7: 400, 401 and 403 by themselves, another one where it is declared; a 5xx is a finding of its own."""
    service.answering(sound, status)
    found = service.http(token(), "alg_none", refused=refused)
    assert [one.code for one in found] == codes
    assert all(f"with an unsigned token (alg none): answers {status}" in one.message for one in found)


def test_graphql_errors_are_no_refusal_where_a_status_is_promised(service: Service) -> None:
    """A20: `refused = 401` says that the status tells, not the document."""
    (one,) = service.graphql(token(), "tampered", refused=(401,))
    assert (one.code, one.seen, one.promised) == ("auth.refusal.wrong_status", "200", "401")


def test_a_good_token_that_is_not_accepted_proves_nothing(service: Service) -> None:
    """A20: then no other is shown, and the check is insufficient."""
    (one,) = service.http(token(exp=1), *ALL, auth=specimens())
    assert (one.code, one.severity) == ("auth.signature.not_judged", "insufficient")
    assert len(service.server.asked) == 1


UNFIT: Mapping[str, tuple[Callable[[], Mapping[str, str]], str]] = {
    "not over": (
        lambda: {"expired": token(exp=int(time.time()) + 86_400)},
        "an expired token: refused, and that proves nothing: it is not over yet",
    ),
    "no jwt": (lambda: {"expired": "opaque"}, "that proves nothing: it is no JWT: it has 1 part"),
    "not the issuer's": (
        lambda: {"expired": jwt.encode(claims(exp=1), "x" * 32, "HS256")},
        "not the issuer's any more (auth.token.algorithm_mis",
    ),
    "over": (lambda: {"audience": token(aud=["billing", "plan"], exp=int(time.time()) - 7200)}, "it is over for 2 h"),
    "another algorithm": (
        lambda: {"audience": token("e1", aud="billing")},
        "not the issuer's any more (auth.token.algorithm_mismatch)",
    ),
}
"""Made when a test begins: their ages are judged."""


@pytest.mark.parametrize("unfit", UNFIT)
def test_a_specimen_that_would_be_refused_anyway_proves_nothing(service: Service, unfit: str) -> None:
    """B72: green is earned by a genuine token alone; what is not is insufficient, with the reason."""
    make, words = UNFIT[unfit]
    given = make()
    service.answering(lambda shown: sound(shown) if shown == good else {})
    good = token()
    found = service.http(good, *given, auth=specimens(**given))
    assert [(one.code, one.severity) for one in found] == [("auth.specimen.unfit", "insufficient")]
    assert words in found[0].message


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("expired", {"exp": 86_400}, "an expired token: accepted, and that proves nothing: it is not over yet"),
        (
            "audience",
            {"aud": ["billing", "plan"]},
            "audience: accepted, and that proves nothing: it is for plan as well",
        ),
    ],
)
def test_a_specimen_that_may_be_taken_accuses_nobody(
    service: Service, name: str, changes: Mapping[str, Any], words: str
) -> None:
    """B72: a service that takes a token which is not over, or is meant for it too, does what it should."""
    claimed = {key: int(time.time()) + value if key == "exp" else value for key, value in changes.items()}
    found = service.http(token(), name, auth=specimens(**{name: token(**claimed)}))
    assert [(one.code, one.severity) for one in found] == [("auth.specimen.unfit", "insufficient")]
    assert words in found[0].message


def test_a_form_to_log_in_is_no_acceptance(service: Service) -> None:
    """A20: 200 with a page where the good token gets data is no grant; it is not the promised refusal either."""
    page = (200, {"content-type": "text/html"}, "<!doctype html><title>Log in</title>")
    service.server.routes["GET /tasks"] = lambda asked: (200, {}, {"tasks": [1]}) if _takes(asked, sound) else page
    found = service.http(token(), "none", "alg_none")
    assert [one.code for one in found] == ["auth.refusal.wrong_status"] * 2
    assert "with no token: answers 200, promised 400 or 401 or 403" in found[0].message


def test_an_error_told_with_status_200_is_no_acceptance(service: Service) -> None:
    """A20, E7: `{"error": …}` where the good token gets data is a refusal by the wrong status; it accuses nobody of
    taking forged tokens, nor of asking for none."""
    told = (200, {}, {"success": False, "error": "unauthorized"})
    service.server.routes["GET /tasks"] = lambda asked: (200, {}, {"tasks": [1]}) if _takes(asked, sound) else told
    found = service.http(token(), "none", "alg_none") + service.http("", "none")
    assert [one.code for one in found] == ["auth.refusal.wrong_status"] * 3
    empty = (200, {}, {"error": None, "tasks": []})
    service.server.routes["GET /tasks"] = lambda asked: (200, {}, {"tasks": [1]}) if _takes(asked, sound) else empty
    assert [one.code for one in service.http(token(), "alg_none")] == ["auth.anonymous.accepted"]


def test_a_request_too_many_is_no_refusal(service: Service) -> None:
    """E7: 429 says nothing of the token: insufficient and our own doing, unless it is what is promised."""
    service.answering(sound, 429)
    (one,) = service.http(token(), "alg_none")
    assert (one.code, one.severity) == ("http.rate_limited.by_us", "insufficient")
    assert service.http(token(), "alg_none", refused=(429,)) == []


FORGED: Mapping[str, tuple[Any, list[str]]] = {
    "rows beside an error": (
        {"data": {"tasks": [{"id": "1"}], "me": None}, "errors": [{"message": "no user", "path": ["me"]}]},
        ["auth.algorithm.none_accepted"],
    ),
    "nothing but errors": ({"data": {"tasks": None}, "errors": [{"message": "jwt malformed"}]}, []),
    "Apollo's code of a plain error about the token": (
        {"errors": [{"message": "invalid token", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]},
        [],
    ),
    "a crash": (
        {"errors": [{"message": "Unexpected error.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]},
        ["auth.refusal.crashes"],
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_what_graphql_answers_to_a_forged_token(service: Service, case: str) -> None:
    """A20: data beside errors is read by whoever forged the token; a crash with status 200 is one like a 5xx."""
    answer, codes = FORGED[case]

    def graphql(asked: Asked) -> tuple[int, dict[str, str], Any]:
        if _takes(asked, sound):
            return 200, {}, {"data": {"tasks": [{"id": "1"}], "me": {"id": "u"}}}
        anonymous = {"errors": [{"message": "log in", "extensions": {"code": "UNAUTHENTICATED"}}]}
        return 200, {}, answer if "authorization" in asked.headers else anonymous

    service.server.routes["POST /graphql"] = graphql
    assert [one.code for one in service.graphql(token(), "alg_none")] == codes


def test_with_the_shared_secret_genuine_tokens_are_made(service: Service) -> None:
    """B70, B72: expired and for another audience, signed as the issuer signs; nothing has to be given."""
    table = AuthTarget(algorithms=["HS256"], audience=["plan"]).model_copy(update={"secret": SECRET})
    names = ("expired", "audience", "tampered", "alg_none", "unknown_kid", "embedded_key")
    assert service.http(token("secret"), *names, auth=table) == []
    service.answering(
        lambda shown: jwt.decode(shown, SECRET, ["HS256"], audience="plan", options={"verify_exp": False})
    )
    found = service.http(token("secret"), "expired", "audience", auth=table)
    assert [one.code for one in found] == ["auth.expiry.not_checked"]


def test_what_cannot_be_made_is_insufficient(service: Service) -> None:
    """A20: a user whose token is no JWT after all, a key that is not published."""
    service.answering(lambda shown: {"sub": "u"} if shown == "opaque-token-1" else {})
    (one,) = service.http("opaque-token-1", "tampered")
    assert (one.code, one.severity) == ("auth.specimen.unfit", "insufficient")
    assert "changed claims could not be shown: the user's token is no JWT" in one.message
    service.answering(lambda shown: jwt.decode(shown, key("k2").public_key(), ["RS256"], audience="plan"))
    foreign = jwt.encode(claims(), key("k2"), "RS256", {"kid": "k2"})
    (one,) = service.http(foreign, "hs256_public_key")
    assert "HS256 by the public key could not be shown: no published key has the good token's kid" in one.message


def test_every_token_is_remembered_before_it_is_sent_and_is_in_no_finding(service: Service) -> None:
    """T8: forged tokens are scrubbed as good ones are; evidence holds their answers, not them."""
    service.answering(None)
    found = service.http(token(), *ALL, auth=specimens())
    sent = {asked.headers.get("authorization", "").removeprefix("Bearer ") for asked in service.server.asked}
    forged = {one for one in sent if one} & set(service.remembered)
    assert len(forged) >= 8
    assert set(service.remembered.values()) <= {f"a token that must be refused ({name})" for name in ALL}
    assert not [part for one in forged for part in one.split(".") if len(part) > 20 and part in str(found)]
