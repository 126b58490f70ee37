"""Secrets that nobody registered, known by their place or their shape."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from pytest_prodcheck.config.redaction import scrub_patterns

_S = "Zx9Qw7Lm2Kp4Rt6"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        (f"postgresql://app:{_S}@db.test/shop", "postgresql://app:[redacted]@db.test/shop"),
        (f"rediss://:{_S}@cache:6379", "rediss://:[redacted]@cache:6379"),
        (f"https://{_S}x@github.test/r.git", "https://[redacted]@github.test/r.git"),
        (f"Authorization: Bearer {_S}", "Authorization: Bearer [redacted]"),
        (f"(b'Authorization', b'Basic {_S}')", "(b'Authorization', b'Basic [redacted]')"),
        (f"('cookie', 'sid={_S}')", "('cookie', 'sid=[redacted]')"),
        (f"Set-Cookie: sid={_S}; Path=/; HttpOnly", "Set-Cookie: sid=[redacted]; Path=/; HttpOnly"),
        (f"x-hasura-admin-secret: {_S}", "x-hasura-admin-secret: [redacted]"),
        (f"/x?a=1&api_key={_S}&b=2", "/x?a=1&api_key=[redacted]&b=2"),
        (f"/cb?code={_S}&a=1", "/cb?code=[redacted]&a=1"),
        (f"/cb#access_token={_S}", "/cb#access_token=[redacted]"),
        (f'{{"refresh_token": "{_S}", "n": 1}}', '{"refresh_token": "[redacted]", "n": 1}'),
        (f'{{\\"password\\": \\"{_S}\\"}}', '{\\"password\\": \\"[redacted]\\"}'),
        (f"{{'client_secret': '{_S}'}}", "{'client_secret': '[redacted]'}"),
        (f'password=b"{_S}"', 'password=b"[redacted]"'),
        (f"password: {_S}", "password: [redacted]"),
        (f"login failed, password: {_S} for user bob", "login failed, password: [redacted] for user bob"),
        (f"mysql --password {_S} -h db", "mysql --password [redacted] -h db"),
        (f"helm --set-secret '{_S}' x", "helm --set-secret '[redacted]' x"),
        (f"AccountKey={_S}==;", "AccountKey=[redacted];"),
        (f"<input name=csrf value={_S}>", "<input name=csrf value=[redacted]>"),
        (f'<input value="{_S}" name="authenticity_token">', '<input value="[redacted]" name="authenticity_token">'),
        (f'<meta name="csrf-token" content="{_S}">', '<meta name="csrf-token" content="[redacted]">'),
        (f"DB_PASS={_S}", "DB_PASS=[redacted]"),
        (f"jwt={_S}", "jwt=[redacted]"),
        (f'{{"pass":"{_S}"}}', '{"pass":"[redacted]"}'),
        (f'{{"auth":"Bearer {_S}"}}', '{"auth":"Bearer [redacted]"}'),
        (
            f'{{"key":"db.password","value":{{"stringValue":"{_S}"}}}}',
            '{"key":"db.password","value":{"stringValue":"[redacted]"}}',
        ),
        (f"PGPASSWORD={_S} psql", "PGPASSWORD=[redacted] psql"),
        (f'{{"name":"PGPASSWORD","value":"{_S}"}}', '{"name":"PGPASSWORD","value":"[redacted]"}'),
        (f"otpauth://totp/x?secret={_S}&issuer=y", "otpauth://totp/x?secret=[redacted]&issuer=y"),
        (f"ALTER ROLE x PASSWORD '{_S}'", "ALTER ROLE x PASSWORD '[redacted]'"),
        ("id " + "AK" + "IADUMMYDUMMYDUMMY0", "id [redacted]"),
        ("gh" + "p_dummyDUMMY0123456789dummy", "[redacted]"),
        ("sk_li" + "ve_dummyDUMMY0123", "[redacted]"),
        ("at ey" + "JhbGciOiJkdW1teSJ9.eyJzdWIiOiJkdW1teSJ9.ZHVtbXk end", "at [redacted] end"),
        ("-----BEGIN " + "PRIVATE KEY-----\nZHVt\n-----END x", "-----BEGIN " + "PRIVATE KEY-----[redacted]-----END x"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, scrubbed: str) -> None:
    """The value goes; the name beside it, and what stands around, stays."""
    assert scrub_patterns(text) == scrubbed
    assert scrub_patterns(scrubbed) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "database.auth.password_rejected",
        "users.member.password: must be a reference",
        'password authentication failed for user "app"',
        "SELECT 1 FROM t WHERE token IS NULL AND secret = $1",
        "prodcheck.toml::http::test_endpoint[api-health]",
        "suites/auth.py::test_token::member",
        'password = "env:DB_PASSWORD"',
        "env:DB_PASSWORD: the value is a common word",
        '"token_type": "Bearer", "expires_in": 300',
        "token_endpoint: https://id.test/token",
        "code: 28P01, status=401, error_code=invalid_grant",
        "http://127.0.0.1:8080/x?page=2",
        'WWW-Authenticate: Bearer error="invalid_token"',
        "Bearer authentication is required",
        "x-hasura-admin-secret/x-hasura-access-key required, but not found",
        "auth.token.rejected: the token endpoint answered 401",
        'column "password" does not exist',
        "git@github.com:org/repo.git and user@example.com",
        "password=[redacted env:PG]",
        "Access denied for user 'plan'@'10.0.0.1' (using password: YES)",
        "password: no",
        "pass=12 fail=0",
        "first-pass: 0 errors",
        "p95 812 ms (limit 500ms), id 3f2b8c1e-9a4d-4c55-8f10-aa22bb33cc44",
    ],
)
def test_names_codes_and_prose_stay(text: str) -> None:
    """Nothing that names a secret without holding one is touched: the identical object comes back."""
    assert scrub_patterns(text) is text


def test_no_possessive_quantifier() -> None:
    """CPython 3.11.2, which Debian 12 has, matches them wrongly: a header's scheme was masked, too."""
    source = Path(inspect.getsourcefile(scrub_patterns) or "").read_text("utf-8")
    assert re.findall(r"[)\]}][?*+]\+|\(\?>", source) == []


@pytest.mark.parametrize(
    "text",
    [
        "connecting to plan:{S}@db:5432",
        "connecting to plan:{S}@db:5432/plan failed",
        "ERROR dsn plan:{S}@tcp(db:3306)/plan",
        "dsn=plan:{S}@unix(/run/x.sock)/plan",
        "login plan:{S}@db failed",
        "plan:{S}@10.0.0.5:5432",
        "plan:{S}@db.internal/plan",
        "'plan:{S}@db.internal:5432'",
        "[plan:{S}@db:5432]",
        '"plan:{S}@db:5432"',
        "oracle plan/{S}@db:1521/xe",
        "sqlplus plan/{S}@//db:1521/xe",
        "user=plan;pwd={S};host=db",
        "amqp plan:{S}@mq:5672//",
        "postgresql+asyncpg://plan:{S}@db/plan",
        "postgresql://:{S}@db/0",
        "redis://default:{S}@h:1",
        "//plan:{S}@db:5432/plan",
        "jdbc:oracle:thin:plan/{S}@db:1521:xe",
        "curl -u plan:{S} http://x",
        "curl --user plan:{S} http://x",
        "mysql -uplan -p{S} db",
        "plan:pa:{S}@db:5432",
        "plan:{S}%40x@db:5432",
        "http: plan:p{S}@@db:5432",
        "smtp user plan@corp.de:{S}@smtp.corp.de:587",
        "PGPASSWORD={S} psql",
        "proxy=plan:{S}@proxy:3128",
    ],
)
def test_a_log_in_without_a_scheme_is_masked(text: str) -> None:
    """As drivers, clients and command lines print it: a name, a password, an address."""
    said = scrub_patterns(text.replace("{S}", _S))
    assert _S not in said
    assert "[redacted]" in said
    assert scrub_patterns(said) == said


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:org/repo",
        "npm:react@18.2.0",
        "npm:bar2@latest",
        "workspace:x1@next",
        "mailto:max1@corp.de",
        "user:max1@corp.de",
        "sip:max@host:5060",
        "to:max1@corp.de/x",
        "acct:max@mastodon.social",
        "pkg:npm/foo@1.0",
        "time 10:00:00@host",
        "user:max1@corp.de:443",
        "10:30@cafe",
        "at 12:00@db:5432",
        "kafka:9092@broker",
        "a:b@c",
        "svc:web@docker",
        "app:http@kubernetescrd",
        "redis: cache1@host",
        "topic:key@partition",
        "http: max@db:5432",
        "worker:3@node1",
        "celery@host:1",
        "celery:w1@node-1",
        "uid:500@host1",
        "traefik app-router:web1@docker",
        "nginx:1.25@sha256:" + "0a1b" * 16,
        "ghcr.io/a/b:v1@sha256:" + "9" * 64,
        "docker run -u 1000:1000 app",
        "controller.quorum.voters=1@kafka-1:9093,2@kafka-2:9093",
    ],
)
def test_what_only_has_a_log_ins_signs_stays(text: str) -> None:
    """Images by digest, packages by version, e-mail addresses behind a label, nodes, times."""
    assert scrub_patterns(text) == text
