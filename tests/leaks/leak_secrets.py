"""The secrets of the leak tests, as an environment has them; all dummies, in the shapes of real ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Secret:
    """One value, the name of its reference, and the pieces of it that must not be seen."""

    name: str
    value: str
    needles: tuple[str, ...] = ()

    @property
    def secret(self) -> tuple[str, ...]:
        """What to search for: the needles, or the whole value."""
        return self.needles or (self.value,)

    @property
    def reference(self) -> str:
        """As the marker names it."""
        return f"env:{self.name}"


def _jwt(claims: Mapping[str, Any]) -> str:
    parts = [{"alg": "RS256", "kid": "k1"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*coded, base64.urlsafe_b64encode(b"no-signature-at-all-" * 4).rstrip(b"=").decode()])


_KEY_LINES = ("ZHVtbXkta2V5LWxpbmUtMQ==", "ZHVtbXkta2V5LWxpbmUtMg==")
_KEY = "\n".join(("-----BEGIN " + "PRIVATE KEY-----", *_KEY_LINES, "-----END PRIVATE KEY-----"))
_HS256 = "dummy-hs256-key-of-32-characters!"

SECRETS = (
    Secret("DATABASE_URL", "postgresql://app_user:dummy-DsnPa55-3vK@db.test:5432/shop", ("dummy-DsnPa55-3vK",)),
    Secret("API_KEY", "dummy-api-key-0f9e8d7c"),
    Secret("OIDC_CLIENT_SECRET", "dummy-clnt-s3cret-Zz91"),
    Secret("PG_PASSWORD", "dummy-Pg-Pa55word-7Qx9"),
    Secret("PROBE_PASSWORD", "dummy-Login-Pa55-q"),
    Secret("BASIC_PASSWORD", "probe:dummy-basic-Pa55", ("dummy-basic-Pa55",)),
    Secret("HASURA_ADMIN_SECRET", "dummy-admin-secret-5hJ2"),
    Secret("SPECIAL_PASSWORD", "dummy p@ss:w/rd#%&+\"'<x>"),
    Secret("UNICODE_PASSWORD", "dummy-pässwörd-日本-7"),
    Secret("SECRET_KEY", "deadbeefdummyc0dec0dec0dec0dec0dec0dec0dec0dec0dec0dec0de"),
    Secret("CLOUD_SECRET", "dummy/cloud+secret/key0123456789=="),
    Secret("TOTP_SEED", "DUMMYDUMMYDUMMY2"),
    Secret("VCS_TOKEN", "ghp_" + "dummyDUMMY0123456789dummy"),
    Secret("PAYMENT_KEY", "sk_" + "live_dummyDUMMY0123"),
    Secret("REGEX_META", "dummy.*+?[x](y)$|^\\d"),
    Secret("NOTIFY_URL", "https://hooks.chat.test/services/T000/B000/dummyHookDummyHook", ("dummyHookDummyHook",)),
    Secret("TRACKER_DSN", "https://dummytrackerkey01@errors.test/1", ("dummytrackerkey01",)),
    Secret("REDIS_URL", "rediss://:dummy-R3dis-8tZ@cache.test:6380/0", ("dummy-R3dis-8tZ",)),
    Secret("HS256_SECRET", f'{{"type":"HS256","key":"{_HS256}"}}', (_HS256,)),
    Secret("CLIENT_KEY", _KEY, _KEY_LINES),
    Secret("STATIC_TOKEN", _jwt({"sub": "static-one", "mail": "static@dummy.test"})),
    Secret("LONG_TOKEN", "".join(f"{number * 7919 % 65537:x}g" for number in range(30))),
)

LOGIN_TOKEN = Secret("login", _jwt({"sub": "member-7", "jti": "4b1d-77aa-9c"}))
REFRESH_TOKEN = Secret("refresh", "dummy-refresh-b7c6a5d4e3")
COOKIE = Secret("cookie", "dummy-sid-4f1c2b7e9a")
OBTAINED = (LOGIN_TOKEN, REFRESH_TOKEN, COOKIE)
"""What the gate gets at run time, from the system's own login."""

ALL = (*SECRETS, *OBTAINED)


def environ() -> dict[str, str]:
    """The variables that the references of the project name."""
    return {secret.name: secret.value for secret in SECRETS}
