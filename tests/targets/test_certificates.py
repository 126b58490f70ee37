"""`tls.valid_for` is judged of every target that speaks TLS, by the certificate that readiness saw (A63, B62, D46)."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from pytest_prodcheck.demo.stack import Stack

CONFIG = """
[env.staging]
tls = {{ ca = "{ca}", valid_for = "{valid_for}" }}
[env.staging.http]
url = "{api}"
endpoints.version = "/api/version"
[env.staging.auth]
issuer = "{issuer}"
[env.staging.graphql]
url = "{graphql}"
"""


@pytest.fixture(scope="module")
def demo() -> Iterator[Stack]:
    """Three services behind TLS."""
    with Stack.start() as running:
        yield running


def certificates(demo: Stack, folder: Path, valid_for: str) -> dict[str, tuple[str, str]]:
    """The verdict and the cause of each target's certificate, from a whole run."""
    at = demo.addresses
    values = {"ca": at["ca"], "api": at["api_url"], "issuer": at["issuer"], "graphql": at["graphql_url"]}
    (folder / "prodcheck.toml").write_text(CONFIG.format(valid_for=valid_for, **values), "utf-8")
    return {
        check["target"]: (check["verdict"], check["findings"][0]["code"] if check["findings"] else "")
        for check in gate(folder)[0]["checks"]
        if check["id"].endswith("::test_certificate")
    }


def gate(folder: Path) -> tuple[dict[str, Any], str]:
    """The verdict of the folder's gate, and what it printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--prodcheck=staging"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    said = done.stdout + done.stderr
    assert (folder / ".prodcheck/staging/verdict.json").is_file(), said
    return json.loads((folder / ".prodcheck/staging/verdict.json").read_text("utf-8")), said


def test_each_target_keeps_its_promise(demo: Stack, tmp_path: Path) -> None:
    """The demo's certificates hold for some weeks."""
    assert certificates(demo, tmp_path, "1d") == dict.fromkeys(("http", "auth", "graphql"), ("pass", ""))


class Ahead(BaseHTTPRequestHandler):
    """Answers anything, by a clock that is 40 minutes ahead."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of every answer."""
        return super().date_time_string((timestamp or time.time()) + 2400)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_clock_that_is_behind_makes_it_red(tmp_path: Path) -> None:
    """The server's clock is 40 minutes ahead of ours: what looks valid may be over (fg-clock-skew)."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Ahead) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}"
        config = f'[env.staging.http]\nurl = "{url}"\ntls.ca = "ca.pem"\nendpoints.version = "/version"\n'
        (tmp_path / "prodcheck.toml").write_text(config, "utf-8")
        verdict, said = gate(tmp_path)
        server.shutdown()
    assert (verdict["verdict"], verdict["causes"][0]["code"]) == ("fail", "runner.clock.skewed")
    assert re.search(r"the runner's clock differs from the servers' by \+(2399|2400) s", said), said
    (red,) = [check for check in verdict["checks"] if check["verdict"] == "fail"]
    words = "clock differs from the server's Date by 40 min: time-based results are void"
    assert (red["id"], red["findings"][0]["message"]) == ("prodcheck.toml::http::test_certificate", words)


def test_each_target_is_red_where_it_ends_too_soon(demo: Stack, tmp_path: Path) -> None:
    """Nobody's certificate holds for thirty years."""
    soon = ("fail", "http.tls.expires_soon")
    assert certificates(demo, tmp_path, "10950d") == dict.fromkeys(("http", "auth", "graphql"), soon)
