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
    CauseKind("auth.anonymous.accepted", "a service answers without any token", "a service answers {operation} without any token", "let the service require a token", _SERVICE),
    CauseKind("auth.algorithm.none_accepted", "a service takes tokens that are not signed (alg none)", "a service accepts an unsigned token (alg none)", "name the accepted algorithms where the service verifies tokens (RFC 8725 §3.1)", _SERVICE),
    CauseKind("auth.algorithm.confused", "a service takes the public key for an HMAC's secret", "a service accepts HS256 signed with the public key", "name the accepted algorithms where the service verifies tokens (RFC 8725 §2.1)", _SERVICE),
    CauseKind("auth.key.unknown_accepted", "a service takes tokens of a key that nobody published", "a service accepts a token signed with an unknown key", "let the service refuse a kid that the JWKS does not list", _SERVICE),
    CauseKind("auth.key.embedded_accepted", "a service believes the key in a token's own header", "a service accepts a token that brings its own key", "let the service ignore jwk and jku in tokens (RFC 8725 §3.10)", _SERVICE),
    CauseKind("auth.expiry.not_checked", "a service takes tokens that are over", "a service accepts an expired token", "let the service verify exp", _SERVICE),
    CauseKind("auth.audience.not_checked", "a service takes tokens for another audience", "a service accepts a token for another audience", "set the audience where the service verifies tokens (RFC 8725 §3.9)", _SERVICE),
    CauseKind("auth.role.not_checked", "the engine grants a role beyond the allowed ones", "the engine grants a role that the token does not allow", "look at who sets x-hasura-role, and at the engine's auth mode", _SERVICE),
    CauseKind("auth.refusal.crashes", "a token that must be refused breaks the service", "a service answers {status} to a token that it must refuse", "catch the verifier's error, and answer 401", _SERVICE),
    CauseKind("auth.refusal.wrong_status", "a refusal has another status than promised", "a service refuses by {status}, promised {expected}", "answer 401 or 403, or correct `refused`", _SERVICE),
    CauseKind("auth.specimen.unfit", "a token that should be refused proves nothing", "a token given for `refuses` proves nothing", "give a genuine token in `auth.specimens`, and renew it when the keys rotate", _DOCTOR),
    CauseKind("auth.consumer.claims_differ", "the engine looks for claims elsewhere than promised", "the engine expects claims in {seen}, promised {expected}", "compare HASURA_GRAPHQL_JWT_SECRET with `auth.hasura`", _DOCTOR),
    CauseKind("auth.consumer.config_unreadable", "the engine does not tell how it reads claims", "the engine does not tell how it reads claims", "correct the admin secret, or let the metadata API list `config`", _SERVICE),
    CauseKind("auth.metadata.incomplete", "the discovery document lacks what OpenID Connect requires", "the discovery document lacks {expected}", "complete the provider's metadata", "curl -s {url}"),
    CauseKind("auth.metadata.malformed", "a member of the discovery document has the wrong form", "a member of the discovery document is malformed", "correct the provider's metadata", "curl -s {url}"),
    CauseKind("auth.metadata.foreign_host", "discovery names a host that nobody declared", "discovery names the host {seen}, which nobody declared", "correct the provider's external URL, or declare `hosts`", "curl -s {url}"),
    CauseKind("auth.metadata.endpoint_missing", "an endpoint that discovery names is 404", "{endpoint} of the provider is {status}", "correct the route at the provider or its proxy", "curl -si {endpoint_url}"),
    CauseKind("auth.metadata.endpoint_unreachable", "an endpoint that discovery names gives no answer", "{endpoint} of the provider gives no answer", "correct the address, or open the way to it", "curl -sv {endpoint_url}"),
    CauseKind("auth.client.method_not_offered", "the provider does not offer how the client authenticates", "the client of {user} authenticates by {seen}, {expected} is offered", "correct `client_auth`, or the provider's client", "curl -s {url}"),
    CauseKind("auth.jwks.key_malformed", "a published key cannot be used", "a key of the JWKS cannot be used", "correct how the provider publishes its keys", "curl -s {url}"),
    CauseKind("auth.jwks.too_large", "the JWKS is larger than any key set", "the JWKS is larger than any key set", "look at what answers there; compare it with the jwks_uri that discovery names", "curl -sI {url}"),
    CauseKind("auth.jwks.not_cached", "the keys are published without the promised lifetime", "the JWKS is published with {seen}, promised {expected}", "send Cache-Control with the JWKS, shorter than the overlap of two keys", "curl -sI {url}"),
    CauseKind("auth.token.wrong_type", "another kind of token is given out as an access token", "the token of {user} is {seen}, not an access token", "ask for an access token; correct the client at the provider", _DOCTOR),
    CauseKind("auth.token.profile_incomplete", "an at+jwt lacks what RFC 9068 requires", "the token of {user} calls itself at+jwt and lacks {expected}", "complete the token's claims at the provider", _DOCTOR),
    CauseKind("auth.token.hash_mismatch", "the ID token's at_hash is not that of the access token", "the ID token of {user} does not belong to its access token", "look at the provider's log: its tokens were made apart", _DOCTOR),
    CauseKind("auth.discovery.insecure_endpoint", "the discovery document names an endpoint without https", "an endpoint of the provider is not https", "correct the provider's external URL", "curl -s {url}"),
    CauseKind("auth.jwks.duplicate_kid", "two published keys have one kid", "two keys of the JWKS have one kid", "give each key a kid of its own", "curl -s {url}"),
    CauseKind("auth.jwks.key_weak", "a published key is too short", "a key of the JWKS is too weak", "replace the key (RSA: 2048 bits or more)", "curl -s {url}"),
    CauseKind("auth.jwks.private_key_published", "the JWKS shows a private key", "the JWKS publishes a private key", "rotate the key at once, and publish public keys only", "curl -s {url}"),
    CauseKind("auth.jwks.other_address", "discovery names another JWKS address than is configured", "discovery names another JWKS address", "use the address that discovery names", "curl -s {url}"),
    CauseKind("graphql.data.null", "data is null where a value is promised", "{operation} gives null where a value is promised", "find the resolver or the row that gives none", _URL),
    CauseKind("graphql.document.too_deep", "an operation is nested deeper than max_depth", "{operation} is nested too deep", "flatten the operation, or raise `max_depth`", _EXPLAIN),
    CauseKind("graphql.schema.unreadable", "there is no schema to judge the documents by", "no schema could be read", "allow introspection for the declared user, or pin `schema`", _URL),
    CauseKind("http.application.unhealthy", "a health document calls a component unwell", "a component of {host} is unhealthy", "look at the component that it names", _URL),
    CauseKind("baseline.latency.slower", "requests take longer than in the baseline, beyond noise", "{operation} is slower than in the baseline", "look at what was deployed since the baseline; where the new latency is meant, run once without --prodcheck-baseline and take that verdict as the next baseline", _EXPLAIN),
    CauseKind("gate.deselected", "a required check was taken away", "a required check was deselected", "remove the --deselect or the hook that drops it", "pytest --prodcheck=ENV --collect-only"),
    CauseKind("gate.not_executed", "a check has no result", "a check was not executed", "run it again, without -n", "pytest --prodcheck=ENV -n 0"),
    CauseKind("gate.skipped", "a required check was skipped, not by the gate", "a required check was skipped", "remove the skip: required checks cannot be skipped", "pytest --prodcheck=ENV -rs"),
    CauseKind("gate.passed_on_retry", "a check passed only on retry", "a check passed only on retry", "look at what its first attempt saw", "pytest --prodcheck=ENV --reruns 0"),
)  # fmt: skip
