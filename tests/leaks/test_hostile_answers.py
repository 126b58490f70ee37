"""What a target says harms neither the terminal nor the reports that others render."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from leak_project import Project, Run
from leak_server import Said, Teller
from markdown_it import MarkdownIt

_TEXT = (
    "\x1b[2J\x1b]0;own\x07\x9b31m\x08\x08\x0bab\x7f\x85\u202egnp\u2066x\u200b\u2028y"
    "<img src=x onerror=1> ![i](http://evil.test/i) [l](javascript:1) |c|`d` # h ::error::x @all http://evil.test\ud7ff"
)
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_HEADER = re.sub(r"[\r\n]", "", _TEXT).encode()


def _answers() -> Iterator[tuple[str, str, Said]]:
    """(declaration, name, answer): each makes another criterion repeat what the target said."""
    as_json = ((b"content-type", b"application/json"),)
    document = json.dumps({"status": _TEXT, _TEXT: [_TEXT], "errors": [{"message": _TEXT}]}).encode()
    yield "", "body", Said(_TEXT.encode())
    yield "", "reason", Said(b"no", 500, _HEADER)
    yield "", "redirect", Said(b"", 302, b"Found", ((b"location", b"http://evil.test/" + _HEADER),))
    yield 'expect_headers = { X-Told = "fine" }', "header", Said(b"ok", 200, b"OK", ((b"x-told", _HEADER),))
    yield 'content_type = "text/html"', "type", Said(b"ok", 200, b"OK", ((b"content-type", b"text/" + _HEADER),))
    yield 'expect.status = "fine"', "value", Said(document, 200, b"OK", as_json)
    yield 'expect = "fine"', "text", Said(_TEXT.encode(), 200)
    yield 'timeout = "1s"', "garbage", Said(_HEADER * 20, 500, headers=((_HEADER.replace(b":", b""), b"x"),))


_SYSTEM = """
[env.staging]
revision = { path = "/hostile/version", at = "rev", expected = "mine" }
[env.staging.users.client]
grant = "client_credentials"
client_id = "x"
client_secret = "env:OIDC_CLIENT_SECRET"
[env.staging.auth]
issuer = "{system}/idp"
audience = "x"
[env.staging.graphql]
url = "{system}/hostile/graphql"
engine = "generic"
operations = "*.graphql"
[env.staging.http]
url = "{system}"
"""


def _system(url: str) -> Iterator[tuple[str, int, object]]:
    """(path, status, document) of a version, an identity provider and a GraphQL API with hostile texts."""
    yield "/hostile/version", 200, {"rev": f"{_TEXT}\n::error::forged"}
    yield "/hostile/graphql", 200, {"errors": [{"message": _TEXT, "path": [_TEXT], "extensions": {"code": _TEXT}}]}
    provider = {"issuer": f"{url}/idp", "token_endpoint": f"{url}/idp/token", "jwks_uri": f"{url}/idp/jwks"}
    yield "/idp/.well-known/openid-configuration", 200, provider
    yield "/idp/jwks", 200, {"keys": [{"kty": _TEXT, "kid": _TEXT, "alg": _TEXT}]}
    yield "/idp/token", 401, {"error": f"invalid_client{_TEXT}", "error_description": f"{_TEXT}\n::error::forged"}


@pytest.fixture(scope="module")
def run(teller: Teller, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which every endpoint answers with control sequences, bidi, HTML and Markdown."""
    project = Project(tmp_path_factory.mktemp("hostile") / "project", teller.url)
    text = _SYSTEM
    (project.path / "all.graphql").write_text("query All { a }")
    for path, status, document in _system(teller.url):
        teller.said[path] = Said(
            json.dumps(document).encode(), status, headers=((b"content-type", b"application/json"),)
        )
    for declaration, name, said in _answers():
        teller.said[f"/hostile/{name}"] = said
        text += f'\n[env.staging.http.endpoints.{name}]\npath = "/hostile/{name}"\n{declaration}\n'
    project.configure(text)
    return project.pytest("--color=no", env={"GITHUB_ACTIONS": "true"})


@pytest.mark.parametrize("channel", ["stdout", "stderr", ".prodcheck/staging/summary.md"])
def test_no_control_character_is_printed(run: Run, channel: str) -> None:
    """Neither escape sequences nor bidi overrides nor invisible characters reach terminal or summary."""
    assert run.status == 1, run.terminal
    found = _HARMFUL.search(run.text(channel))
    assert found is None, run.text(channel)[max(0, found.start() - 200) : found.end() + 50]


def test_no_annotation_is_smuggled_in(run: Run) -> None:
    """No line of the terminal begins a workflow command that is not the gate's own."""
    commands = [line for line in run.text("stdout").splitlines() if line.lstrip().startswith("::")]
    assert commands
    assert not [line for line in commands if not line.startswith(("::error title=", "::warning title="))]
    assert len(commands) <= 20


def test_the_summary_renders_as_plain_text(run: Run) -> None:
    """Rendered, the summary has no markup, link or image of the target's."""
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(run.text(".prodcheck/staging/summary.md"))
    assert "<img" not in html
    assert "javascript:" not in re.sub(r">[^<]*<", "><", html)
    assert 'href="http://evil' not in html
