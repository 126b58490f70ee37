"""Causes that are what a criterion saw: a promise is broken, and the finding itself says where."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

_DOCTOR, _EXPLAIN = "prodcheck doctor ENV", "pytest --prodcheck=ENV --prodcheck-plan"
_URL, _SERVICE = "curl -si {url}", "curl -si {service_url}"

KINDS = (
    CauseKind("config.accepted.unused", "an accepted finding matches nothing any more", "an entry of `accepted` matches no finding any more", "remove the entry from prodcheck.toml", _DOCTOR),
    CauseKind("auth.token.missing", "the provider answered, and gave no token", "the answer for {user} holds no token", "compare grant and `keep` with what the provider answers", _DOCTOR),
    CauseKind("auth.token.malformed", "the token is not a well-formed JWT (RFC 7519)", "the token of {user} is malformed", "correct how the provider writes its tokens", _DOCTOR),
    CauseKind("auth.token.lifetime_too_long", "the token outlives its promise", "the token of {user} lives longer than promised", "shorten the lifetime at the provider, or correct `lifetime`", _DOCTOR),
    CauseKind("auth.claims.wrong_type", "a claim has another type than consumers take", "a claim of the token of {user} has the wrong type", "correct the claim mapping at the provider", _DOCTOR),
    CauseKind("auth.login.not_found", "the login path does not exist", "the login of {user} is not found", "correct `login.path`", _DOCTOR),
    CauseKind("auth.signature.not_checked", "a service takes a token whose signature is broken", "a service accepts a token with a broken signature", "let the service verify signatures", _SERVICE),
    CauseKind("auth.signature.not_judged", "whether broken tokens are refused cannot be told", "a service answers neither a good nor a broken token as it should", "correct what keeps the good token from its answer", _SERVICE),
    CauseKind("auth.discovery.insecure_endpoint", "the discovery document names an endpoint without https", "an endpoint of the provider is not https", "correct the provider's external URL", "curl -s {url}"),
    CauseKind("auth.jwks.duplicate_kid", "two published keys have one kid", "two keys of the JWKS have one kid", "give each key a kid of its own", "curl -s {url}"),
    CauseKind("auth.jwks.key_weak", "a published key is too short", "a key of the JWKS is too weak", "replace the key (RSA: 2048 bits or more)", "curl -s {url}"),
    CauseKind("auth.jwks.private_key_published", "the JWKS shows a private key", "the JWKS publishes a private key", "rotate the key at once, and publish public keys only", "curl -s {url}"),
    CauseKind("auth.jwks.other_address", "discovery names another JWKS address than is configured", "discovery names another JWKS address", "use the address that discovery names", "curl -s {url}"),
    CauseKind("graphql.data.null", "data is null where a value is promised", "{operation} gives null where a value is promised", "find the resolver or the row that gives none", _URL),
    CauseKind("graphql.document.too_deep", "an operation is nested deeper than max_depth", "{operation} is nested too deep", "flatten the operation, or raise `max_depth`", _EXPLAIN),
    CauseKind("graphql.schema.unreadable", "there is no schema to judge the documents by", "no schema could be read", "allow introspection for the declared user, or pin `schema`", _URL),
    CauseKind("http.application.unhealthy", "a health document calls a component unwell", "a component of {host} is unhealthy", "look at the component that it names", _URL),
    CauseKind("gate.deselected", "a required check was taken away", "a required check was deselected", "remove the --deselect or the hook that drops it", "pytest --prodcheck=ENV --collect-only"),
    CauseKind("gate.not_executed", "a check has no result", "a check was not executed", "run it again, without -n", "pytest --prodcheck=ENV -n 0"),
    CauseKind("gate.skipped", "a required check was skipped, not by the gate", "a required check was skipped", "remove the skip: required checks cannot be skipped", "pytest --prodcheck=ENV -rs"),
    CauseKind("gate.passed_on_retry", "a check passed only on retry", "a check passed only on retry", "look at what its first attempt saw", "pytest --prodcheck=ENV --reruns 0"),
)  # fmt: skip
