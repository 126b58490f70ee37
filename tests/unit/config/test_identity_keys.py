"""What of an identity's configuration could not be proven, or not be taken by Hasura, is refused at once."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from pytest_prodcheck.config import loader, references
from pytest_prodcheck.errors import ConfigError, SecretError

SOUND = """
[prodcheck]
commands = true
[env.staging.users.member]
grant = "client_credentials"
client_id = "plan"
client_secret = "env:SECRET"
[env.staging.users.opaque]
grant = "static"
token = "env:TOKEN"
opaque = true
[env.staging.users.keyed]
grant = "client_credentials"
client_id = "plan"
client_auth = "private_key_jwt"
client_key = "file:client.pem"
[env.staging.auth]
issuer = "https://auth.example/"
AUTH
[env.staging.http]
url = "https://plan.example"
[env.staging.http.endpoints.tasks]
path = "/tasks"
ENDPOINT
[env.staging.graphql]
url = "https://plan.example/graphql"
GRAPHQL
"""
ANY = '["none", "alg_none", "hs256_public_key", "unknown_kid", "embedded_key", "tampered", "signature"]'


def load(folder: Path, auth: str = "", endpoint: str = "", graphql: str = "", **changes: str):
    """The environment of a file with these lines."""
    document = SOUND.replace("AUTH", auth).replace("ENDPOINT", endpoint).replace("GRAPHQL", graphql)
    for old, new in changes.items():
        document = document.replace(old, new)
    (folder / "prodcheck.toml").write_text(textwrap.dedent(document), encoding="utf-8")
    return loader.load(folder / "prodcheck.toml", "staging")


def test_what_can_be_proven_is_taken(tmp_path: Path) -> None:
    """A20: endpoints and GraphQL, with what the issuer alone can make given beside it."""
    found = load(
        tmp_path,
        'specimens = { expired = "env:OLD", audience = "env:OTHER" }\njwks_cache = "<= 1h"\nhosts = "login.example"',
        'as = "member"\nrefuses = ["none", "expired", "audience", "alg_none"]\nrefused = 401',
        f'engine = "hasura"\nas = ["member"]\nrefuses = {ANY[:-1]}, "role"]',
    )
    assert found.targets["http"].endpoints["tasks"].refuses == ("none", "expired", "audience", "alg_none")
    assert found.targets["graphql"].refuses[-1] == "role"
    assert load(tmp_path, endpoint='refuses = "none"').targets["http"].endpoints["tasks"].refuses == ("none",)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"endpoint": 'as = "member"\nrefuses = ["expired"]'}, "expired cannot be made without the issuer's key"),
        ({"endpoint": 'as = "member"\nrefuses = ["audience"]'}, 'specimens.audience = "env:OTHER_TOKEN"'),
        ({"endpoint": 'as = "member"\nrefuses = ["alg_non"]'}, "did you mean alg_none?"),
        ({"endpoint": "refuses = []"}, "refuses names no token"),
        ({"endpoint": 'refuses = ["tampered"]'}, "tampered starts from a good token"),
        ({"endpoint": 'as = "opaque"\nrefuses = ["none", "tampered"]'}, "starts from a JWT, and opaque has none"),
        ({"endpoint": 'as = "member"\nrefuses = ["role"]'}, "role is a header of Hasura's"),
        ({"endpoint": "refused = 401"}, "refused is the status of what `refuses` names"),
        ({"endpoint": 'as = "member"\nstatus = 403\nrefuses = ["none"]'}, "the good token is refused here"),
        (
            {"endpoint": 'as = "member"\nstatus = [200, 403]\nrefuses = ["none"]'},
            "403 is expected of the good token",
        ),
        (
            {"endpoint": 'refuses = ["none"]\nheaders = { Authorization = "env:TOKEN" }'},
            "Authorization among he",
        ),
        (
            {
                "endpoint": 'as = "member"\nrefuses = ["none"]',
                'url = "https://plan.example"\n': 'url = "https://plan.example"\nheaders.cookie = "env:SESSION"\n',
            },
            "cookie among headers goes with every request, so that nobody comes without a token: declare a user",
        ),
        (
            {"graphql": 'refuses = ["none"]\nheaders = { X-Hasura-Admin-Secret = "env:SECRET" }'},
            "X-Hasura-Admin-Secret among headers goes with every request",
        ),
        (
            {"graphql": 'operations = "a.graphql"\nallowed = { A = [] }\nheaders = { Authorization = "env:TOKEN" }'},
            "graphql.allowed: Authorization among headers",
        ),
        (
            {"endpoint": 'method = "POST"\neffect = "write"\ncleanup = "none: x"\nas = "member"\nrefuses = ["none"]'},
            "a write is sent once",
        ),
        ({"graphql": 'as = ["member"]\nrefuses = ["role"]'}, 'example: engine = "hasura"'),
        ({"graphql": 'refuses = ["alg_none"]'}, "alg_none starts from a good token"),
        ({"graphql": "refused = 401"}, "refused is the status of what `refuses` names"),
        ({"auth": 'hosts = ["https://login.example"]'}, "a host is a name without scheme, port and path"),
        ({"auth": "hosts = []"}, "hosts names no host"),
        ({"auth": 'jwks_cache = "1h"'}, "not a comparison with a duration"),
        ({"auth": 'specimens = { expired = "eyJhbGciOi" }'}, "secrets are references"),
        ({"auth": 'hasura = { namespace = "a", path = "$.b" }'}, "Hasura takes one of namespace, path and map"),
        ({"auth": 'hasura = { path = "app.claims" }'}, "a JSON path begins with $"),
        ({"auth": 'hasura = { format = "yaml" }'}, "must be one of 'json' or 'stringified_json'"),
        ({"auth": 'hasura = { map = { x-hasura-user-id = "$.sub" } }'}, "claims_map must have x-hasura-default-role"),
        ({"auth": 'hasura = { map = { x = "$.a b" } }'}, "hasura.map.x: a JSON path begins with $"),
        ({'client_key = "file:client.pem"': ""}, "client_auth private_key_jwt needs client_key"),
        (
            {'client_secret = "env:SECRET"': 'client_key = "env:K"\nclient_secret = "env:S"'},
            "client_key is for private_key",
        ),
        ({'client_key = "file:client.pem"': 'client_key = "file:c"\nclient_secret = "env:S"'}, "has no client_secret"),
        ({'client_key = "file:client.pem"': 'client_key = "-----BEGIN KEY-----"'}, "secrets are references"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, lines: dict[str, str], words: str) -> None:
    """Exit 4, with the line, the reason and an example: nothing that is promised goes unjudged."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **lines)
    assert words in str(caught.value)
    assert "eyJhbGciOi" not in str(caught.value)


def test_a_token_comes_from_a_command_where_commands_may_run(tmp_path: Path) -> None:
    """A16: `cmd:` gives a static token, its last line break taken off; without `commands = true` it is refused."""
    given = {'token = "env:TOKEN"': 'token = "cmd:printf %s dummy-token-of-a-command"'}
    environ = {"SECRET": "dummy-secret-of-the-client", "PATH": "/usr/bin:/bin"}
    (tmp_path / "client.pem").write_text("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")
    found = references.resolve(load(tmp_path, **given), base=tmp_path, environ=environ)
    assert found.environment.users["opaque"].token == "dummy-token-of-a-command"
    kept = dict(found.secrets)
    assert "dummy-token-of-a-command" in kept.values()
    assert any("MIIB" in value for value in kept.values())
    with pytest.raises(SecretError, match="commands = true"):
        references.resolve(load(tmp_path, **given, **{"commands = true": ""}), base=tmp_path, environ=environ)
