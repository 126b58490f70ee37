"""What is secret in a structured value: a DSN's password, a token's segments, the lines of a key."""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from pytest_prodcheck.config.lazily import compiled

SECRET_KEY = compiled(
    r"(?:^|[^a-z])(?:pw|pin|otp|sid|seed|jwt|auth|authorization|cookie|set-cookie|session)$"
    r"|(?:password|passwd|pwd|pass|passphrase|secret|token|credentials?|signature|csrf|xsrf|dsn"
    r"|(?:api|access|private|secret|signing|encryption|hmac|admin|service)[-_ ]?key|session[-_]?id|webhook[-_]?url)"
    r"(?:[-_]?\d+)?$",
    re.IGNORECASE,
)
"""Keys (of JSON, queries, environments) whose value is secret whatever it looks like."""
_USERINFO = compiled(r"(?is)([a-z][a-z0-9+.-]*)://(.*)@([^@]*)")
_POSTGRESQL = compiled(r"(?i)postgres(?:ql)?")
_URL = compiled(r"(?i)[a-z][a-z0-9+.-]*:(?://|/|\?)[^\s]*|(?:jdbc|odbc):\S+")
_PAIRS = compiled(r"""(?:^|[\s?&;#,])([\w.-]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s&;#,'"]*))""")
_JWT = compiled(r"[\w-]+(?:\.[\w-]*){2,4}")
_PEM = compiled(r"-----BEGIN ([^-]+)-----(.*?)(?:-----END [^-]+-----|\Z)", re.DOTALL)
_SCHEME = compiled(r"(?i)(bearer|basic|token|digest|apikey)\s+(\S+)")
_BASIC = compiled(r"([^\s:/@]{1,64}):(\S.*)")
_SEPARATORS = compiled(r"[/@:#?&]")


class Part(NamedTuple):
    """A text that is secret by itself; `encoded_only` where it is so only in base64 and the like."""

    text: str
    encoded_only: bool = False


def parts(value: str) -> list[Part]:
    """The secret parts of `value`; the value itself where it has no structure; none for a URL that holds no secret."""
    value = value.strip()
    found = list(_parts(value))
    return list(dict.fromkeys(part for part in found if part.text.strip()))


def user(value: str) -> str:
    """The user of a DSN with a password, who is no secret; empty where there is none, or one that looks like a key."""
    value = value.strip()
    role = False
    if userinfo := _USERINFO.fullmatch(value):
        name, _, password = userinfo[2].partition(":")
        role = bool(_POSTGRESQL.fullmatch(userinfo[1]))
    else:
        named = {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _PAIRS.finditer(value)}
        name, password = named.get("user", ""), named.get("password", "")
    name = unquote(name)
    return name if password and name and (role or not looks_secret(name)) else ""


def looks_secret(text: str) -> bool:
    """Whether a text looks random: letters and digits (or many different characters), no blanks, not an address."""
    if len(text) < 8 or re.search(r"\s", text) or "://" in text or "@" in text or text.startswith("-----"):
        return False
    if re.fullmatch(r"(?i)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?::\d+)?", text):
        return False
    mixed = bool(re.search(r"\d", text) and re.search(r"[A-Za-z]", text))
    return mixed or (len(text) >= 20 and _entropy(text) >= 3.5)


def _entropy(text: str) -> float:
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _parts(value: str) -> Iterator[Part]:
    if "-----BEGIN " in value:
        yield from _pem(value)
    elif value[:1] in "{[" and (data := _json(value)) is not None:
        yield from _json_parts(data)
    elif _URL.fullmatch(value):
        yield from _url(value)
    elif scheme := _SCHEME.fullmatch(value):
        yield from _authorization(scheme[1].lower(), scheme[2])
    elif pairs := _secret_pairs(value):
        yield from (Part(text) for text in pairs)
    else:
        yield from _plain(value)


def _plain(value: str) -> Iterator[Part]:
    yield Part(value)
    if unquote(value) != value:
        yield Part(unquote(value))
    if _JWT.fullmatch(value) and len(value) > 40:
        yield from (Part(segment) for segment in value.split("."))
    elif pair := _BASIC.fullmatch(value):
        yield Part(pair[2])
    elif "\n" in value:
        yield from (Part(line.strip()) for line in value.splitlines())


def _pem(value: str) -> Iterator[Part]:
    """The body as one text, of which any 12 characters count, and each line, for lines that are shorter."""
    for block in _PEM.finditer(value.replace("\\n", "\n")):
        if "PRIVATE" not in block[1] and "KEY" not in block[1]:
            continue  # a certificate is public
        lines = block[2].split()
        yield Part("".join(lines))
        yield from (Part(line) for line in lines if len(line) < 32)


def _authorization(scheme: str, token: str) -> Iterator[Part]:
    yield from _plain(token)
    if scheme == "basic":
        try:
            pair = b64decode(token + "=" * (-len(token) % 4)).decode()
        except ValueError:  # also UnicodeDecodeError and binascii.Error: not a pair, the token alone is registered
            return
        yield from (Part(part.text) for part in _plain(pair) if part.text != pair)


def _secret_pairs(value: str) -> list[str]:
    """The values of secret keys in a query, a conninfo string (`password=…`) or an ADO-style `Password=…;`."""
    found = []
    for match in _PAIRS.finditer(value):
        raw = match[2] or match[3] or match[4] or ""
        if SECRET_KEY.search(match[1]) and raw:
            found += [raw, unquote_plus(raw), re.sub(r"\\(.)", r"\1", raw)]
    return found


def _url(value: str) -> Iterator[Part]:
    """Password, else a user that is a key (tracker DSNs), secret query values, else the path of a webhook."""
    userinfo = _USERINFO.fullmatch(value)
    if userinfo and not re.search(r"[/?#].*=", userinfo[2]):
        yield from _credentials(userinfo[2], role=bool(_POSTGRESQL.fullmatch(userinfo[1])))
    queried = _secret_pairs(value)
    yield from (Part(text) for text in queried)
    if not userinfo and not queried:
        yield from _webhook(value)


def _credentials(userinfo: str, *, role: bool) -> Iterator[Part]:
    """`role`: the user is one of a database, which is a name whatever it looks like."""
    user, colon, password = userinfo.partition(":")
    if not colon or not password:
        if looks_secret(user):
            yield Part(user)
        return
    decoded = unquote(password)
    yield from (Part(text) for text in (password, decoded))
    yield from (Part(f"{name}:{decoded}", encoded_only=True) for name in (user, unquote(user)) if name)
    pieces = _SEPARATORS.split(password)  # an unescaped one makes parsers complain about a piece
    if len(pieces) > 1:
        yield from (Part(piece) for piece in pieces if looks_secret(piece))
    if looks_secret(user) and not role:
        yield Part(user)


def _webhook(value: str) -> Iterator[Part]:
    path = re.sub(r"^[^:]+:/*[^/?#]*", "", value)
    segments = [segment for segment in re.split(r"[?#]", path)[0].split("/") if segment]
    random = [place for place, segment in enumerate(segments) if _random_segment(segment)]
    if not random:
        return
    yield Part(path)
    yield from (Part(segments[place]) for place in random)
    if leading := "/".join(segments[random[0] : random[-1]]):
        yield Part(leading)


def _random_segment(segment: str) -> bool:
    mixed = bool(re.search(r"\d", segment) and re.search(r"[A-Za-z]", segment)) and not re.fullmatch(
        r"v\d+\w{0,5}", segment
    )
    cased = len(segment) >= 16 and bool(re.search(r"[a-z][A-Z]", segment))
    return (mixed and len(segment) >= 4) or cased or len(segment) >= 24


def _json(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return None


def _json_parts(data: object, key: str = "") -> Iterator[Part]:
    if isinstance(data, dict):
        for name, inner in data.items():
            yield from _json_parts(inner, str(name))
    elif isinstance(data, list):
        for inner in data:
            yield from _json_parts(inner, key)
    elif isinstance(data, str) and (
        "-----BEGIN " in data or "://" in data or looks_secret(data) or SECRET_KEY.search(key)
    ):
        yield from _parts(data)
