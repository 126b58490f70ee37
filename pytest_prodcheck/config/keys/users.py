"""What the keys of a user mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import HEADERS, Words

KEYS: Mapping[str, Words] = {
    "User": {
        "grant": (
            "How the token is obtained: `client_credentials`, `password`, `refresh_token`, `static`, `login`.",
            'grant = "client_credentials"',
        ),
        "client_id": ("OAuth client.", 'client_id = "env:CLIENT_ID"'),
        "client_secret": ("Its secret; a reference.", 'client_secret = "env:CLIENT_SECRET"'),
        "username": ("For `password`.", 'username = "env:SMOKE_USER"'),
        "password": ("For `password`; a reference.", 'password = "env:SMOKE_PASSWORD"'),
        "refresh_token": ("For `refresh_token`; a reference.", 'refresh_token = "env:REFRESH_TOKEN"'),
        "token": ("For `static`; a reference.", 'token = "env:API_TOKEN"'),
        "scope": ("Requested scope.", 'scope = "openid"'),
        "client_auth": (
            "How the client authenticates: `basic`, `post` or `private_key_jwt` (RFC 7523).",
            'client_auth = "private_key_jwt"',
        ),
        "client_key": ("Its private key (PEM) for `private_key_jwt`; a reference.", 'client_key = "file:client.pem"'),
        "client_key_id": ("`kid` of that key, where the provider wants one.", 'client_key_id = "2026-08"'),
        "assertion_audience": (
            "To whom the client's assertion speaks: `token_endpoint` or `issuer`.",
            'assertion_audience = "issuer"',
        ),
        "lifetime": ("Limit of the token's lifetime.", 'lifetime = "<= 10m"'),
        "opaque": ("The token is no JWT.", "opaque = true"),
        "introspect": ("Ask the introspection endpoint (RFC 7662).", "introspect = true"),
        "claims": ("Expectations of the token's claims.", 'claims = { sub = "*" }'),
        "login": (
            "For `login`: the request that logs in.",
            'login = { path = "/login", json = { user = "env:USER" } }',
        ),
        "keep": ("What of the answer is kept: the token's key, or `cookies`.", 'keep = "access_token"'),
    },
    "Login": {
        "path": ("Path of the login.", 'path = "/api/v1/auth/login"'),
        "target": ("The http target, where there are several.", 'target = "http.app"'),
        "method": ("`POST` or `PUT`.", 'method = "POST"'),
        "json": ("JSON body.", 'json = { username = "env:SMOKE_USER", password = "env:SMOKE_PASSWORD" }'),
        "form": ("Form body.", 'form = { username = "env:SMOKE_USER", password = "env:SMOKE_PASSWORD" }'),
        "headers": HEADERS,
    },
}
