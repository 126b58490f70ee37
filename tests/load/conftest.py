"""Fixtures of tests of load."""

from __future__ import annotations

import http.server
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from load_lab import SERVER, Known, Lab


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Known]]:
    """Starts a server by a plan; all are stopped afterwards."""
    started: list[Known] = []

    def start(**plan: Any) -> Known:
        file = tmp_path / f"plan-{len(started)}.json"
        file.write_text(json.dumps(plan))
        process = subprocess.Popen(
            [sys.executable, str(SERVER), str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        known = Known(process, file, f"http://127.0.0.1:{process.stdout.readline().strip()}")
        started.append(known)
        return known

    yield start
    for known in started:
        known.process.kill()
        known.process.communicate()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An engine."""
    return Lab(tmp_path)


@pytest.fixture
def authority(tmp_path: Path) -> str:
    """The file of an authority that nobody else trusts."""
    return str(tmp_path / "authority.pem")


@pytest.fixture
def tls_server(tmp_path: Path, authority: str) -> Iterator[str]:
    """A server whose certificate is that authority's."""
    made = trustme.CA()
    made.cert_pem.write_to_path(authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("localhost").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


class Answering(http.server.BaseHTTPRequestHandler):
    """`ok`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answers, after a moment."""
        time.sleep(0.01)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
