"""HTTP requests that only read, or are declared, pass; everything else is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from corpus import gist, of

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.guard import http

BASE = "https://api.shop.test"
ORIGINS = http.Origins.of(BASE)


def _request(method: str, url: str, **options: Any) -> HttpRequest:
    full = url if ":" in url.partition("/")[0] else BASE + url
    return HttpRequest("http", method, full, **{"declared": False, **options})


def _judge(payload: dict[str, Any]) -> None:
    declared = "declared" in payload
    request = _request(
        payload["method"],
        payload["url"],
        headers=payload.get("headers", {}),
        body=payload.get("body", "").encode(),
        declared=declared,
    )
    http.check(request, ORIGINS)
    for answer in payload.get("answers", ()):
        status, _, location = answer.partition(" Location: ")
        http.check_redirect(request, location, ORIGINS, int(status))


@pytest.mark.parametrize("case", of("http", "refused_before_send"), ids=lambda case: case["id"])
def test_an_attack_is_refused_with_its_reason(case: dict[str, Any]) -> None:
    """Every HTTP attack of the corpus is refused before it is sent, and the message says why."""
    if "env" in case["payload"]:
        assert gist(case["message"])[0] in http.check_proxy(case["payload"]["env"], "")
        return
    with pytest.raises(Refused) as refused:
        _judge(case["payload"])
    expected = gist(case["message"])[0].replace("host is not configured", "is not configured")
    for part in expected.split(":"):
        assert part.strip() in refused.value.reason


@pytest.mark.parametrize("case", of("http", "allowed_readonly"), ids=lambda case: case["id"])
def test_a_legitimate_read_passes(case: dict[str, Any]) -> None:
    """Every legitimate HTTP probe of the corpus passes."""
    assert _judge(case["payload"]) is None


@pytest.mark.parametrize(
    ("method", "url", "reason"),
    [
        ("PATCH", "/a", "method PATCH is not a read"),
        ("TRACK", "/a", "method TRACK is denied"),
        ("GET /x HTTP/1.1\r\n", "/a", "is denied"),
        ("GET", "/a%2f..%2f..%2fadmin", "path leaves its declared prefix"),
        ("GET", "/a/%252e%252e/admin", "path leaves its declared prefix"),
        ("GET", "/a/..;/admin", "path leaves its declared prefix"),
        ("GET", "/a/..%5cadmin", "path leaves its declared prefix"),
        ("GET", "/users/1/delete", "acting GETs"),
        ("GET", "/deleteUser?id=1", "acting GETs"),
        ("HEAD", "/sign-out.php", "acting GETs"),
        ("GET", "/%6cogout;x=1", "acting GETs"),
        ("GET", "/a?x=1;_method=PUT", "query parameter _method is denied"),
        ("GET", "/a?%5Fmethod=PUT", "query parameter _method is denied"),
        ("GET", "/any?query=mutation%7Ba%7D", "query parameter contains a mutation"),
        ("GET", "/any?Query=mutation%7Ba%7D", "query parameter contains a mutation"),
        ("GET", "/any?query[]=%0Amutation%7Ba%7D", "query parameter contains a mutation"),
        ("GET", "/a/%c0%ae%c0%ae/admin", "path leaves its declared prefix"),
        ("GET", "/a/..%C0%AFadmin", "path leaves its declared prefix"),
        ("GET", "/a/..%00/admin", "path leaves its declared prefix"),
        ("GET", "/a%0d%0aX-Evil:%201", "control character in the path"),
        ("GET", "/a%250d%250a", "control character in the path"),
        ("GET", "/a%00.json", "control character in the path"),
        ("GET", "https://api.shop.test./a", "host api.shop.test. is not configured"),
        ("GET", "https://api.shop.test:notaport/", "cannot be parsed"),
        ("GET", "https://user:secret@api.shop.test/", "user information"),
        ("GET", "https://[::1/", "cannot be parsed"),
        ("GET", "http://api.shop.test/", "scheme http is not configured"),
        ("GET", "//evil.test/", "scheme (none) is denied"),
        ("GET", "/a\u2028b", "control character in URL"),
        ("GET", "/a b", "space in URL"),
        ("GET", "/caf\u00e9", "beyond ASCII"),
        ("GET", "https://api.shop.test\uff0fx@evil.test/", "cannot be parsed"),
    ],
)
def test_a_disguised_request_is_refused(method: str, url: str, reason: str) -> None:
    """Encodings, spellings and parser differences do not hide a method, a host or a path."""
    full = url if "//" in url else BASE + url
    with pytest.raises(Refused) as refused:
        http.check(HttpRequest("http", method, full, declared=False), ORIGINS)
    assert reason in refused.value.reason
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-HTTP-Method", "DELETE"),
        ("X_HTTP_METHOD_OVERRIDE", "DELETE"),
        ("_method", "DELETE"),
        ("X-Forwarded-Method", "DELETE"),
        ("X-Forwarded-Uri", "/admin"),
        ("X-Envoy-Original-Path", "/admin"),
        ("Proxy", "http://evil.test"),
        ("X-Original-URL", "/admin"),
        ("Transfer-Encoding", "chunked"),
        ("content-length", "5"),
        ("Connection", "X-Secret"),
        ("Upgrade", "h2c"),
        ("Expect", "100-continue"),
        ("TE", "trailers"),
        ("Impersonate-User", "admin"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-A\nB", "1"),
        ("X-A", "1\n"),
        ("X-A", "1\0"),
        ("X-A", "\u2028"),
        ("", "1"),
    ],
)
def test_a_header_that_steers_is_refused(name: str, value: str) -> None:
    """Headers that override the method, route, frame or split the message are refused, declared or not."""
    with pytest.raises(Refused, match="header"):
        http.check(_request("GET", "/a", headers={name: value}, declared=True), ORIGINS)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=1&_method=DELETE", "application/x-www-form-urlencoded"),
        (b"%5Fmethod=DELETE", "application/x-www-form-urlencoded"),
        (b'{"_method": "DELETE"}', "application/json"),
        (b'{"\\u005fmethod": "DELETE"}', "application/json"),
        (b"--x\r\nContent-Disposition: form-data; name=_method\r\n\r\nPUT", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="_method"\r\n\r\nPUT', "multipart/form-data; boundary=x"),
    ],
)
def test_a_method_in_the_body_is_refused(body: bytes, content_type: str) -> None:
    """A declared POST cannot become a DELETE by a field of its body."""
    with pytest.raises(Refused, match="_method"):
        http.check(_request("POST", "/a", body=body, headers={"Content-Type": content_type}, declared=True), ORIGINS)


def test_a_declared_request_passes() -> None:
    """A declaration permits a method beyond GET, and a path that acts."""
    for body in (b'{"payment_method": 1}', b'{"note": "write _method=DELETE"}', b"payment_method=1"):
        assert http.check(_request("POST", "/search", body=body, declared=True), ORIGINS) is None
    assert http.check(_request("GET", "/logout", declared=True, effect="write"), ORIGINS) is None
    assert http.check(_request("GET", "/docs/a/../b", declared=True), ORIGINS) is None


def test_a_declared_write_may_be_a_mutation_and_a_read_may_not() -> None:
    """GraphQL over a declared POST is judged as a read unless it is declared as a write."""
    body = b'{"query":"mutation { a }"}'
    assert http.check(_request("POST", "/v1/graphql", body=body, declared=True, effect="write"), ORIGINS) is None
    with pytest.raises(Refused, match="document contains a mutation"):
        http.check(_request("POST", "/v1/graphql", body=body, declared=True), ORIGINS)


def test_a_prefix_bounds_declared_paths() -> None:
    """Where origins have a prefix, a path below it passes and one that resolves outside is refused."""
    origins = http.Origins.of(BASE, prefix="/public/")
    assert http.check(_request("GET", "/public/a/../b", declared=True), origins) is None
    for path in ("/public/../admin", "/public%2f..%2fadmin", "/publicity", "/public/../../public/a"):
        with pytest.raises(Refused, match="path leaves its declared prefix"):
            http.check(_request("GET", path, declared=True), origins)


@pytest.mark.parametrize("url", ["HTTPS://API.SHOP.TEST/a", "https://api.shop.test:443/a", "https://api.shop.test"])
def test_the_same_origin_in_another_spelling_passes(url: str) -> None:
    """Case and default port do not make another origin."""
    assert http.check(HttpRequest("http", "GET", url, declared=False), ORIGINS) is None


def test_an_international_host_is_compared_in_punycode() -> None:
    """A configured host beyond ASCII and its punycode are one host; its look-alike is shown in punycode."""
    origins = http.Origins.of("https://b\u00fccher.test")
    assert http.check(HttpRequest("http", "GET", "https://xn--bcher-kva.test/"), origins) is None
    with pytest.raises(Refused, match=r"host api\.xn--.*\.test is not configured \(shown in punycode\)"):
        http.check(HttpRequest("http", "GET", "https://api.sh\u043ep.test/"), origins)


@pytest.mark.parametrize(
    ("status", "location", "expected"),
    [
        (301, "/docs/", BASE + "/docs/"),
        (302, "?page=2#top", BASE + "/start?page=2"),
        (307, "next", BASE + "/next"),
        (308, BASE + "/a", BASE + "/a"),
    ],
)
def test_a_redirect_within_the_origin_is_followed(status: int, location: str, expected: str) -> None:
    """Relative and absolute locations on a configured origin give the absolute next URL without fragment."""
    assert http.check_redirect(_request("GET", "/start"), location, ORIGINS, status) == expected


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("//evil.test/a", "redirect to evil.test is not followed"),
        ("https://api.shop.test@evil.test/", "redirect to evil.test"),
        ("javascript:alert(1)", "scheme javascript is denied"),
        ("/logout", "acting GETs"),
        ("/a\r\nSet-Cookie: x=1", "control character in URL"),
        ("/\\evil.test", "backslash"),
        ("https://api.shop.test:8443/", "port 8443 is not configured"),
    ],
)
def test_a_redirect_elsewhere_is_refused(location: str, reason: str) -> None:
    """A redirect gets no more than a request of its own would, and never another host."""
    with pytest.raises(Refused) as refused:
        http.check_redirect(_request("GET", "/start", declared=True), location, ORIGINS, 302)
    assert reason in refused.value.reason


def test_a_redirected_post_becomes_a_get_or_must_be_declared() -> None:
    """302 after a POST is followed by a GET; 307 repeats the POST only on a path that is declared for it."""
    login = _request("POST", "/login", body=b"{}", declared=True)
    assert http.check_redirect(login, "/home", ORIGINS, 302) == BASE + "/home"
    with pytest.raises(Refused, match="POST /home is not declared as a read"):
        http.check_redirect(login, "/home", ORIGINS, 307)
    with pytest.raises(Refused, match="POST /home is not declared as a read"):
        http.check_redirect(login, "/home", ORIGINS)
    assert http.check_redirect(login, "/home", ORIGINS.with_declared(("post", "/home")), 308) == BASE + "/home"


def test_https_is_not_left_even_where_http_is_configured() -> None:
    """A redirect from https to http is refused though both origins are configured."""
    origins = ORIGINS.with_urls("http://api.shop.test")
    with pytest.raises(Refused, match="redirect leaves https") as refused:
        http.check_redirect(_request("GET", "/"), "http://api.shop.test/?code=secret", origins, 301)
    assert "secret" not in str(refused.value)


def test_an_ignored_proxy_is_named_without_its_password() -> None:
    """The notice names host and variable; the configured proxy and an empty variable give none."""
    notice = http.check_proxy({"all_proxy": "http://me:secret@proxy.test:3128"}, "")
    assert "proxy proxy.test is not configured: ALL_PROXY is ignored" in notice
    assert "secret" not in notice
    assert http.check_proxy({"HTTPS_PROXY": "http://p.test:1", "HTTP_PROXY": ""}, "http://p.test:1") == ""
