"""The identity provider's HTTP face, with Authentik's paths (facts.md §2)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qsl, unquote

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from pytest_prodcheck.demo.issuer import Issuer

LOGIN_PAGE = "<!doctype html><title>Sign in</title><form method=post><input name=username></form>"


def issuer_app(issuer: Issuer) -> Starlette:
    """The application that serves `issuer`'s present state."""

    async def discovery(_: Request) -> Response:
        return JSONResponse(issuer.configuration()) if issuer.discovery else HTMLResponse("Not Found", 404)

    async def jwks(_: Request) -> Response:
        headers = {"Access-Control-Allow-Origin": "*"}
        return HTMLResponse(LOGIN_PAGE) if issuer.jwks_html else JSONResponse(issuer.jwks(), headers=headers)

    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        status, body = issuer.grant(form, *_client(request, form))
        return JSONResponse(body, status, headers={"Cache-Control": "no-store"})

    async def userinfo(request: Request) -> Response:
        if not issuer.userinfo:
            return HTMLResponse("Not Found", 404)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                bearer, issuer.signing.private.public_key(), [issuer.signing.algorithm], audience="demo"
            )
        except jwt.PyJWTError:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse({"sub": claims["sub"]})

    async def authorize(_: Request) -> Response:
        return HTMLResponse(LOGIN_PAGE)

    return Starlette(
        routes=[
            Route("/application/o/demo/.well-known/openid-configuration", discovery),
            Route("/application/o/demo/jwks/", jwks),
            Route("/application/o/token/", token, methods=["POST"]),
            Route("/application/o/userinfo/", userinfo),
            Route("/application/o/authorize/", authorize),
        ]
    )


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Client id and secret, by HTTP Basic or in the body (RFC 6749 §2.3.1)."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(credentials).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(name), unquote(secret)
