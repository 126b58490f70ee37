"""What the keys of an auth target mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import WEB, Words

KEYS: Mapping[str, Words] = {
    "AuthTarget": WEB
    | {
        "issuer": ("OIDC issuer, byte by byte.", 'issuer = "https://auth.example/application/o/plan/"'),
        "audience": ("`aud` of every user that is not opaque.", 'audience = "plan"'),
        "algorithms": ("Accepted signature algorithms.", 'algorithms = ["RS256"]'),
        "secret": ("Shared key for HS256; a reference.", 'secret = "env:JWT_SECRET"'),
        "jwks_url": ("The JWKS address a consumer uses.", 'jwks_url = "https://auth.example/jwks/"'),
        "hosts": ("Hosts beside the issuer's own that discovery may name.", 'hosts = ["oauth2.example"]'),
        "jwks_cache": ("Limit of the `max-age` with which keys are published.", 'jwks_cache = "<= 1h"'),
        "hasura": (
            "Tokens must carry Hasura's claims; a table says where Hasura finds them.",
            'hasura = { namespace = "https://app.example/claims" }',
        ),
        "specimens": ("Genuine tokens that no service may accept.", 'specimens = { expired = "env:EXPIRED_TOKEN" }'),
        "skew": ("Tolerated difference of clocks.", 'skew = "5s"'),
    },
    "HasuraClaims": {
        "namespace": ("`claims_namespace` of Hasura.", 'namespace = "https://app.example/claims"'),
        "path": ("`claims_namespace_path`, a JSON path.", 'path = "$.app.claims"'),
        "format": ("`claims_format`: `json` or `stringified_json`.", 'format = "stringified_json"'),
        "map": ("`claims_map`: each variable's JSON path, or a literal.", 'map = { x-hasura-user-id = "$.sub" }'),
    },
    "HasuraMapped": {
        "path": ("JSON path of the claim.", 'path = "$.app.role"'),
        "default": ("What holds where it is missing.", 'default = "user"'),
    },
    "Specimens": {
        "expired": ("A genuine token that is over; a reference.", 'expired = "env:EXPIRED_TOKEN"'),
        "audience": ("A genuine token for another audience; a reference.", 'audience = "env:OTHER_TOKEN"'),
    },
}
