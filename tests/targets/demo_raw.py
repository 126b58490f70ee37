"""A raw client of the demo: every method gives what was seen as one text, errors included."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import httpx2
import jwt
import psycopg
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol


class Raw:
    """Asks a running stack by its addresses."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.addresses = addresses
        context = ssl.create_default_context(cafile=addresses["ca"])
        self._client = httpx2.Client(verify=context, timeout=3, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, url: str, **given: object) -> str:
        try:
            answer = self._client.request(method, url, **given)
        except httpx2.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        slow = " slow" if answer.elapsed.total_seconds() > 0.6 else ""
        headers = " ".join(
            f"{name}: {answer.headers[name]}" for name in ("location", "retry-after") if name in answer.headers
        )
        return f"{answer.status_code}{slow} {headers} {answer.text}"

    def get(self, path: str, user: str = "", *, host: str = "api_url") -> str:
        parts = urlsplit(self.addresses[host])
        return self.ask("GET", f"{parts.scheme}://{parts.netloc}{path}", headers=self._bearer(user))

    def post(self, path: str, body: object, user: str) -> str:
        return self.ask("POST", self.addresses["api_url"] + path, json=body, headers=self._bearer(user))

    def often(self, path: str, user: str = "", times: int = 30) -> str:
        return "\n".join(self.get(path, user) for _ in range(times))

    def together(self, path: str, user: str = "", times: int = 20) -> str:
        """The answers to as many requests at once."""
        with ThreadPoolExecutor(times) as pool:
            return "\n".join(pool.map(lambda _: self.get(path, user), range(times)))

    def graphql(self, document: str, user: str = "member") -> str:
        admin = {"x-hasura-admin-secret": self.addresses["admin_secret"]}
        headers = admin if user == "admin" else self._bearer(user)
        return self.ask("POST", self.addresses["graphql_url"], json={"query": document}, headers=headers)

    def metadata(self, kind: str = "get_inconsistent_metadata") -> str:
        url = self.addresses["graphql_url"].replace("/v1/graphql", "/v1/metadata")
        headers = {"x-hasura-admin-secret": self.addresses["admin_secret"]}
        return self.ask("POST", url, json={"type": kind, "args": {}}, headers=headers)

    def subscription(self, document: str) -> str:
        """What one subscription says within a second, or why there is none."""
        return asyncio.run(self._subscription(document))

    async def _subscription(self, document: str) -> str:
        url = self.addresses["graphql_url"].replace("https:", "wss:")
        context = ssl.create_default_context(cafile=self.addresses["ca"])
        hello = {"type": "connection_init", "payload": {"headers": self._bearer("member")}}
        said = ""
        try:
            async with connect(
                url, ssl=context, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None
            ) as socket:
                await socket.send(json.dumps(hello))
                await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": document}}))
                while '"next"' not in said:
                    said += str(await asyncio.wait_for(socket.recv(), 1))
        except (TimeoutError, WebSocketException, OSError) as error:
            return f"{said} {type(error).__name__}: {error}"
        return said

    def live(self, *said: str, user: str = "member", origin: str = "", wait: float = 0.5, clients: int = 1) -> str:
        """What the WebSocket says to some clients within a while, each saying these messages; or why nothing."""
        return asyncio.run(self._all_live(said, user, origin, wait, clients))

    async def _all_live(self, said: tuple[str, ...], user: str, origin: str, wait: float, clients: int) -> str:
        users = [user, "colleague"][:clients] if "note" in "".join(said) else [user] * clients
        heard: list[str] = [""] * clients

        async def one(number: int) -> None:
            heard[number] = await self._live(
                [text.replace("N", str(number)) for text in said], users[number], origin, wait
            )

        await asyncio.gather(*map(one, range(clients)))
        return " | ".join(heard)

    async def _live(self, said: list[str], user: str, origin: str, wait: float) -> str:
        context = ssl.create_default_context(cafile=self.addresses["ca"])
        headers = self._bearer(user)
        heard, began = "", time.monotonic()
        try:
            async with connect(
                self.addresses["live_url"], ssl=context, subprotocols=[Subprotocol("tasks.v1")], proxy=None,
                additional_headers=headers, origin=Origin(origin or self.addresses["api_url"]), ping_interval=None,
            ) as socket:  # fmt: skip
                heard = f"{socket.subprotocol} "
                for text in said:
                    await socket.send(text)
                while True:
                    heard += str(await asyncio.wait_for(socket.recv(), max(0.01, began + wait - time.monotonic())))
        except (TimeoutError, WebSocketException, OSError) as error:
            return f"{heard} {type(error).__name__}: {error}"

    def token(self, user: str = "member") -> str:
        known = self.addresses
        person = {"grant_type": "password", "username": known["username"], "password": known["user_password"]}
        form = person if user == "colleague" else {"grant_type": "client_credentials"}
        url = known["issuer"].replace("/demo/", "/token/")
        return self.ask("POST", url, data=form, auth=(known["client_id"], known["client_secret"]))

    def access_token(self, user: str) -> str:
        if user == "probe":
            return self.addresses["static_token"]
        return self.token(user).partition('"access_token":"')[2].partition('"')[0]

    def claims(self, user: str = "member") -> str:
        token = self.access_token(user)
        with suppress(jwt.DecodeError):
            claims = jwt.decode(token, options={"verify_signature": False})
            ahead = f"ahead={claims['iat'] - time.time():.0f}"
            return f"{jwt.get_unverified_header(token)} {claims} {ahead}"
        return f"no token: {token}"

    def showing(self, kind: str) -> str:
        """What the API answers to a token that it must refuse, made here without the gate's help."""
        head, body, mark = self.access_token("member").split(".")
        header = {**jwt.get_unverified_header(f"{head}.{body}.{mark}")}
        if kind == "unsigned":
            token = f"{_part({**header, 'alg': 'none'})}.{body}."
        elif kind == "public key":
            key = jwt.PyJWK(self._client.get(self.addresses["jwks_url"]).json()["keys"][0]).key
            text = f"{_part({**header, 'alg': 'HS256'})}.{body}"
            pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            token = f"{text}.{_text(hmac.new(pem, text.encode(), hashlib.sha256).digest())}"
        elif kind == "broken":
            token = f"{head}.{body}.{'A' if mark[0] != 'A' else 'B'}{mark[1:]}"
        else:
            token = self.addresses[kind]
        headers = {"authorization": f"Bearer {token}"}
        return self.ask("GET", f"{self.addresses['api_url']}/api/tasks", headers=headers)

    def as_role(self, role: str) -> str:
        headers = {**self._bearer("member"), "x-hasura-role": role}
        return self.ask("POST", self.addresses["graphql_url"], json={"query": "{ __typename }"}, headers=headers)

    def jwks(self) -> str:
        return self.ask("GET", self.addresses["jwks_url"])

    def discovery(self) -> str:
        return self.ask("GET", self.addresses["issuer"] + ".well-known/openid-configuration")

    def sql(self, statement: str, dsn: str = "reader_dsn", role: str = "") -> str:
        try:
            with psycopg.connect(self.addresses[dsn], connect_timeout=2) as connection:
                if role:
                    connection.execute("select set_config('role', %s, true)", (role,))
                    connection.execute("select set_config('app.user_id', gen_random_uuid()::text, true)")
                connection.execute("set local lock_timeout = '300ms'")
                return str(connection.execute(statement).fetchall())
        except psycopg.Error as error:
            return f"{error.sqlstate} {error}"

    def _bearer(self, user: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access_token(user)}"} if user else {}


def _part(document: Mapping[str, object]) -> str:
    return _text(json.dumps(document).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
