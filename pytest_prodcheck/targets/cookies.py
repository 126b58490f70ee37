"""Cookie jars, one a user, by the standard library's cookie policy (RFC 6265 as far as `http.cookiejar` knows it).

`http.cookiejar` is loaded when the first cookie comes: most runs see none.
"""

from __future__ import annotations

import threading
from email.message import Message
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from http.cookiejar import CookieJar


class _Answer:
    """What `CookieJar.extract_cookies` wants of a response."""

    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


class Jars:
    """Cookies by jar name; users never share any."""

    def __init__(self) -> None:
        self._jars: dict[str, CookieJar] = {}
        self._lock = threading.Lock()

    def header(self, jar: str, url: str) -> str:
        """The `Cookie` header for a request to `url`; empty where none applies."""
        if jar not in self._jars:
            return ""
        from urllib.request import Request

        request = Request(url)
        with self._lock:
            self._jars[jar].add_cookie_header(request)
        return request.get_header("Cookie") or ""

    def keep(self, jar: str, url: str, headers: Message) -> None:
        """Takes the answer's `Set-Cookie` headers into the jar."""
        if "set-cookie" not in headers:
            return
        from http.cookiejar import CookieJar
        from urllib.request import Request

        with self._lock:
            store = self._jars.setdefault(jar, CookieJar())
            store.extract_cookies(cast("object", _Answer(headers)), Request(url))  # type: ignore[arg-type]

    def values(self, jar: str) -> list[str]:
        """The values of a jar's cookies: secrets."""
        with self._lock:
            return [cookie.value or "" for cookie in self._jars.get(jar, ())]
