"""What may stand between a gate and its API server: a proxy that is busy, or that ends connections."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import yaml

from pytest_prodcheck.demo.certificates import HOST, Certificates

Trouble = Literal["busy", "closes", "hangs up"]
"""429 with Retry-After; a connection that ends without an answer; one that ends after it, unannounced."""


@contextmanager
def front(kubeconfig: Path, folder: Path, trouble: Trouble, first: int) -> Iterator[Path]:
    """A kubeconfig whose server answers the `first` requests so, and passes the others on."""
    config = yaml.safe_load(kubeconfig.read_text("utf-8"))
    cluster = config["clusters"][0]["cluster"]
    upstream = _Upstream(cluster)
    certificates = Certificates(folder)
    server = ThreadingHTTPServer((HOST, 0), _handler(upstream, trouble, first))
    server.socket = certificates.server_context().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config["clusters"][0]["cluster"] = {
        "server": f"https://{HOST}:{server.server_port}",
        "certificate-authority": str(certificates.root),
    }
    file = folder / "front.yaml"
    file.write_text(json.dumps(config), "utf-8")
    try:
        yield file
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Upstream:
    """The API server behind it."""

    def __init__(self, cluster: dict[str, str]) -> None:
        self.address = urlsplit(cluster["server"]).netloc
        data = base64.b64decode(cluster.get("certificate-authority-data", "")).decode() or None
        self.context = ssl.create_default_context(cafile=cluster.get("certificate-authority"), cadata=data)

    def get(self, path: str, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        """The answer and its body."""
        with closing(http.client.HTTPSConnection(self.address, context=self.context, timeout=30)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer, answer.read()


def _handler(upstream: _Upstream, trouble: Trouble, first: int) -> type[BaseHTTPRequestHandler]:
    left = iter(range(first))

    class Handler(BaseHTTPRequestHandler):
        """One connection to the front."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            well = next(left, None) is None
            if well or trouble == "hangs up":
                self._pass_on()
            elif trouble == "busy":
                self._answer(429, b"", {"Retry-After": "1"})
            self.close_connection = not well and trouble != "busy"

        def _pass_on(self) -> None:
            passed_on = ("Authorization", "Accept", "User-Agent")
            kept = {name: self.headers[name] for name in passed_on if name in self.headers}
            answer, body = upstream.get(self.path, kept)
            told = {name: value for name in ("Content-Type", "Date") if (value := answer.getheader(name))}
            self._answer(answer.status, body, told)

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
