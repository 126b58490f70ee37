"""The faults of the identity provider and of tokens."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import (
    AUTH,
    CLAIMS,
    DISCOVERY,
    ENDPOINT,
    GRAPHQL,
    JWKS,
    LIMITS,
    OPERATION,
    PROOF,
    REFUSES_API,
    REFUSES_ENGINE,
    SERVICES,
    SIGNATURE,
    TOKEN,
    Fault,
)

_ALSO = (*LIMITS, *AUTH, *GRAPHQL, *PROOF)


def _rejected(name: str, summary: str, cause: str, *accept: str, own: tuple[str, ...] = SIGNATURE) -> Fault:
    """Tokens are there, and the services refuse them; `own` is what the gate itself sees of it."""
    return Fault(name, "auth", summary, (cause,), own + SERVICES, (), _ALSO, accept)


def _keyless(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """The key set is not one."""
    return Fault(name, "auth", summary, (cause,), JWKS + SERVICES, SIGNATURE, _ALSO, accept)


def _tokenless(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """No token for one or all users: what acts as them is blocked."""
    return Fault(name, "auth", summary, (cause,), TOKEN, SIGNATURE + CLAIMS + SERVICES, _ALSO, accept)


def _provider(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """The provider as a whole is not usable."""
    return Fault(name, "auth", summary, (cause,), ("auth::test_ready",), AUTH + OPERATION, _ALSO + ENDPOINT, accept)


def _published(name: str, summary: str, cause: str) -> Fault:
    """The key set is one that services can use today, and must not be."""
    return Fault(name, "auth", summary, (cause,), JWKS, SIGNATURE, ())


def _lax(name: str, summary: str, cause: str, *where: str) -> Fault:
    """A service takes what it must refuse; for everybody who asks properly all is well."""
    return Fault(name, "auth", summary, (cause,), where, (), ())


FAULTS = (
    _keyless("jwks-missing", "the configured JWKS address is 404, discovery names another", "auth.jwks.not_found"),
    _keyless("jwks-empty", "the provider has no signing key: its JWKS is {}", "auth.jwks.empty"),
    _keyless("jwks-html", "the JWKS address answers a login page", "auth.jwks.not_json"),
    _rejected("key-rotated", "tokens are signed with k2, the JWKS lists k1", "auth.jwks.key_missing"),
    _rejected(
        "jwks-stale-consumer",
        "the key is rotated, the services keep the old one",
        "auth.jwks.stale_in_consumer",
        own=(),
    ),
    _rejected("algorithm", "tokens are signed with ES256, RS256 is agreed", "auth.token.algorithm_mismatch"),
    _rejected(
        "issuer-slash", "the services expect the issuer without its last slash", "auth.token.issuer_mismatch", own=()
    ),
    _rejected("issuer-mismatch", "the tokens' iss lacks the last slash", "auth.token.issuer_mismatch", own=CLAIMS),
    _rejected("audience", "the tokens' aud is demo-api, demo is agreed", "auth.token.audience_mismatch", own=CLAIMS),
    _rejected("audience-consumer", "the services expect aud demo-web", "auth.token.audience_mismatch", own=()),
    Fault(
        "claims-roles",
        "auth",
        "tokens lack x-hasura-allowed-roles",
        ("auth.claims.roles_missing",),
        CLAIMS + OPERATION,
        (),
        _ALSO,
    ),
    Fault(
        "claims-namespace",
        "auth",
        "tokens lack Hasura's claims",
        ("auth.claims.namespace_missing",),
        CLAIMS + OPERATION,
        (),
        _ALSO,
    ),
    Fault(
        "claims-role-not-allowed",
        "auth",
        "the default role is not among the allowed ones",
        ("auth.claims.role_not_allowed",),
        CLAIMS + OPERATION,
        (),
        _ALSO,
    ),
    _tokenless("client-rejected", "the client secret is changed at the provider", "auth.client.rejected"),
    _tokenless(
        "grant-refused", "the provider allows neither client_credentials nor password", "auth.grant.not_allowed"
    ),
    _tokenless("user-locked", "the account of colleague is locked", "auth.user.locked"),
    Fault(
        "token-expired",
        "auth",
        "the static token expired three hours ago",
        ("runner.token.expired",),
        TOKEN,
        ENDPOINT,
        _ALSO,
    ),
    _rejected(
        "token-unsigned",
        "tokens are not signed (alg none)",
        "auth.token.not_signed",
        "auth.token.algorithm_mismatch",
    ),
    Fault(
        "token-no-expiry",
        "auth",
        "tokens have no exp",
        ("auth.token.no_expiry",),
        (),
        (),
        (*_ALSO, *SERVICES),
        ("auth.token.lifetime_too_long", "unknown"),
    ),
    _rejected("token-lifetime", "tokens live for 0 seconds", "auth.token.lifetime_too_short", own=()),
    _rejected("clock-skew", "the provider's clock is 5 minutes ahead", "auth.clock.skewed", own=CLAIMS),
    _provider("identity-down", "nothing listens on the provider's port", "auth.idp.unreachable"),
    _provider(
        "identity-certificate-expired", "the provider's certificate expired yesterday", "auth.idp.certificate_expired"
    ),
    _provider("discovery-missing", "the discovery document is 404", "auth.discovery.wrong_application"),
    _provider(
        "discovery-other-issuer",
        "the discovery document names the issuer of another application",
        "auth.discovery.wrong_application",
    ),
    Fault(
        "userinfo-missing",
        "auth",
        "the userinfo endpoint that discovery names is 404",
        ("auth.metadata.endpoint_missing",),
        DISCOVERY,
        (),
        (),
    ),
    _published("jwks-duplicate-kid", "two published keys have the kid k1", "auth.jwks.duplicate_kid"),
    _published("jwks-weak-key", "a key of 1024 bits is published beside the good one", "auth.jwks.key_weak"),
    _published("jwks-private-key", "the keys are published with their private part", "auth.jwks.private_key_published"),
    _lax(
        "api-accepts-unsigned", "the API takes tokens whose alg is none", "auth.algorithm.none_accepted", *REFUSES_API
    ),
    _lax("api-accepts-public-key", "the API takes HS256 by the public key", "auth.algorithm.confused", *REFUSES_API),
    _lax("api-accepts-expired", "the API does not look at exp", "auth.expiry.not_checked", *REFUSES_API),
    _lax("api-accepts-audience", "the API does not look at aud", "auth.audience.not_checked", *REFUSES_API),
    _lax(
        "api-verifies-nothing",
        "the API reads tokens without verifying them",
        "auth.signature.not_checked",
        *REFUSES_API,
        "http::test_broken_token_refused",
    ),
    _lax(
        "api-crashes-on-tokens",
        "the API answers 500 to a token that it does not accept",
        "auth.refusal.crashes",
        *REFUSES_API,
    ),
    _lax(
        "engine-grants-any-role",
        "the engine grants whatever role x-hasura-role asks for",
        "auth.role.not_checked",
        *REFUSES_ENGINE,
    ),
)
