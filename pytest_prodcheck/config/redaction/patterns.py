"""Secrets that nobody told us: what looks like one, by place or by shape, is masked; the name beside it stays."""

from __future__ import annotations

import re

from pytest_prodcheck.config.lazily import compiled

MASK = "[redacted]"

_BYTES = r"""(?:b(?=\\*["'])|(?!b\\*["']))"""
"""The `b` of a bytes literal. An alternative, not `?+`: CPython 3.11.2 (Debian 12) loses the lookahead then."""
_SCHEME = r"(?:bearer|basic|digest|token|negotiate|apikey|dpop|aws4-hmac-sha256)\s+"
_HEADER = compiled(
    rf"""(?ix)(?<![\w-])
    (?P<name>(?:proxy-)?authorization|(?:set-)?cookie2?|x-hasura-(?:admin-secret|access-key)|x-amz-security-token|private-token
      |(?:x-)?(?:api-?key|auth-token|access-token|csrf-?token|xsrf-token|vault-token|gitlab-token|session-token|id-token))
    (?P<between>\\*["']?(?:\s*[:=](?![:=])\s*|,\s+){_BYTES}(?P<quote>\\*["']?))
    (?:(?P<scheme>{_SCHEME})|(?!{_SCHEME}))
    (?P<value>(?!env:|file:|cmd:|\[redacted|\{{)[^\s"'\\][^\r\n"'\\]*)"""
)
_COOKIE_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "priority", "version", "comment"})
_COOKIE_VALUE = compiled(r"([^=;,\s]+)=([^;,\s]*)")
_SECRET_WORD = (
    r"(?:passwords?|passwd|passphrase|(?<=[_-])pass|pwd|jwt|secret|token|credentials?|signature|csrf|xsrf|csrfmiddlewaretoken|otp|sessionid|jsessionid"
    r"|(?:api|access|private|secret|signing|encryption|admin|account)[_-]?key|session[_-]id|secret_key_base)"
)
_NO_VALUE = (
    r"(?!env:|file:|cmd:|demo:|\[redacted|\*{3}|\$\d|\$\{|\{\{|%\(|%s|\?"
    r"|(?:null|nil|none|true|false|yes|no|undefined|required|missing|invalid|expired|empty|not|is|must|authentication)\b)"
)
_ASSIGNED = compiled(
    rf"""(?ix)(?P<name>(?<![\w-])[\w.-]{{0,64}}?{_SECRET_WORD}\d{{0,2}}\\*["']?\]?\s*(?:=|%3D|%253D)\s*{_BYTES})(?![=~>])
    (?:(?P<quote>\\*["']){_NO_VALUE}(?P<quoted>.+?)(?=(?P=quote)|[\r\n]|\Z)
    |{_NO_VALUE}(?P<bare>[^\s&;,"'<>()\[\]{{}}\\]+))"""
)
_LABELLED = compiled(
    rf"""(?ix)(?P<name>(?<![\w-])(?:[\w-]{{0,64}}?{_SECRET_WORD}|pass|pw|pin)\d{{0,2}}(?P<end>\\*["'])\s*:\s*{_BYTES})
    (?:(?P<quote>\\*["']){_NO_VALUE}(?P<quoted>.+?)(?=(?P=quote)|[\r\n]|\Z)|{_NO_VALUE}(?P<bare>\d{{6,}}))"""
)
_WRITTEN = compiled(
    rf"""(?ix)(?P<name>(?<![\w.:/-])[\w-]{{0,64}}?{_SECRET_WORD}\d{{0,2}}:[ \t]+{_BYTES})
    (?:(?P<quote>\\*["']){_NO_VALUE}(?P<quoted>.+?)(?=(?P=quote)|[\r\n]|\Z)
    |{_NO_VALUE}(?P<bare>(?=[^\s\d,;"'<>]{{0,64}}\d)(?=[^\sa-z,;"'<>]{{0,64}}[a-z])[^\s,;"'<>\[\]{{}}]{{6,}}(?=[\s,;}}\])]|\Z)
      |(?![a-z]+[.!,;]?(?:\s|\Z))[^\s,;"'<>\[\]{{}}]{{4,}}(?=[\s,;}}\])]|\Z)(?![ \t]+[a-z]+[ \t])))"""
)
_FLAG = compiled(
    rf"""(?ix)(?P<name>(?<!\S)--[\w-]{{0,64}}?{_SECRET_WORD}[ \t]+)
    (?:(?P<quote>\\*["']){_NO_VALUE}(?P<quoted>.+?)(?=(?P=quote)|[\r\n]|\Z)|{_NO_VALUE}(?P<bare>(?!-)[^\s"',;<>]{{4,}}))"""
)
"""A command line, as process lists and failing programs repeat it."""
_QUERY = compiled(
    r"(?i)([?&#;](?:amp;)?(?:code|state|nonce|sig|key|auth|jwt|ticket|session_state|assertion|samlresponse"
    r"|x-amz-credential)=)([^&\s\"'<>#\\]+)"
)
_PARAMETER = (
    r"""(?:name|id|property)\s*=\s*\\?["']?[\w.\[\]-]*"""
    r"""(?:csrf|xsrf|token|secret|password|authenticity)[\w.\[\]-]*\\?["']?"""
)
_HTML = compiled(
    rf"""(?ix)(<(?:input|meta|param)\b[^<>]{{0,300}}?{_PARAMETER}[^<>]{{0,300}}?\s(?:value|content)\s*=\s*)
    (\\?["']?)(?!\[redacted)([^"'<>\s\\]+)"""
)
_HTML_REVERSED = compiled(
    rf"""(?ix)(<(?:input|meta|param)\b[^<>]{{0,300}}?\s(?:value|content)\s*=\s*)
    (\\?["']?)(?!\[redacted)([^"'<>\s\\]+)(?=\\?["']?[^<>]{{0,300}}?\s{_PARAMETER})"""
)
_USERINFO = compiled(r"(://[^\s:/@?#'\"<>\[\]]{0,256}:)(?!\[redacted|\*{3}@)([^\s@/'\"<>?#]{1,512})(?=@)")
_USER_KEY = compiled(r"(://)([A-Za-z0-9_-]{16,256})(?=@)")
_HOST = r"(?!sha\d+:)(?:[a-z0-9][\w.-]{0,252}|\[[0-9a-f:.]{2,45}\])"
_ADDRESS = r"(?:user|e-?mail|mail|from|to|b?cc|sender|recipient|account|login|owner|author|by|contact)"
_LOGIN = compiled(
    rf"""(?ix)(?<![\w.@:-])(?!(?:mailto|sips?|xmpp|acct|npm|workspace|pkg):|{_ADDRESS}:[\w.+-]{{1,64}}@[\w-]+\.[\w.-]+(?!:\d))
    (?P<name>[a-z_][\w.+-]{{0,62}}(?:@[\w.-]{{1,63}})?:)(?P<value>[^\s/"'<>()\[\]{{}},;\\]{{1,128}})
    (?=@(?:(?:tcp|udp|unix)\(|{_HOST}(?::\d{{2,5}}(?![\w.])|/\w)))"""
)
"""A name and its password before an address without a scheme, as drivers print what they could not reach."""
_LOGIN_SPOKEN = compiled(
    r"""(?ix)\b(?P<name>(?:connect(?:ing|ed|ion)?(?:[ ]to|[ ]as)?|log-?[io]n|dsn|database|url|uri)[\s=:]{1,3}["']?
    (?!(?:npm|workspace|pkg):)[a-z_][\w.+-]{0,62}:)
    (?P<value>(?=[^\s@]{0,128}\d)(?=[^\s@]{0,128}[a-z])[^\s@/"'<>()\[\]{},;\\]{6,128})(?=@[a-z][\w-]{0,62}(?![\w.]))"""
)
_ORACLE = compiled(
    r"""(?ix)(?<![\w./@-])(?P<name>[a-z]\w{0,30}/)(?P<value>[^\s@/"'\[\]]{1,60})(?=@(?://)?[a-z0-9][\w.-]{0,252}:(?:152\d|2484)\b)"""
)
_COMMAND = compiled(
    r"""(?ix)\b(?P<name>curl\b[^\r\n]{0,200}?\s(?:-u|--user|--proxy-user)[\s=]\\?["']?[\w.@-]{1,64}:|mysql\w{0,10}\b[^\r\n]{0,200}?\s-p(?!\s))
    (?P<value>(?!\[redacted)[^\s"'\\]{3,128})"""
)
_SHAPES = compiled(
    r"""(?x)(?<![A-Za-z0-9_-])(?:
    eyJ?[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+){0,2}
    |(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,20}
    |gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}
    |(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{10,}|sk-[A-Za-z0-9_-]{20,}
    |xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}
    |SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}
    |dckr_pat_[A-Za-z0-9_-]{16,}|hv[sbr]\.[A-Za-z0-9_-]{16,}|dop_v1_[a-f0-9]{32,}|shp(?:at|ss|ca)_[a-fA-F0-9]{24,}
    )"""
)
_NAMED = compiled(
    rf"""(?ix)(\b(?:name|key)\\*["']?\s*[:=]\s*\\*["']?[\w.-]{{0,64}}?{_SECRET_WORD}\\*["']?[\s,]{{1,80}}\\*["']?value\\*["']?\s*[:=]\s*
    (?:\{{\s*\\*["']string_?value\\*["']\s*:\s*)?\\*["']?)(?!\[redacted|\$\(|\{{)([^\s"'\\,}}]+)"""
)
_SPOKEN = compiled(r"(?i)\b((?:bearer|basic)\s+)(?=[^\s\"',;]*[\d=])([A-Za-z0-9._~+/-]{8,}=*)(?![\w=])(?!(?<==)\")")
_PEM = compiled(r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)(.*?)(?=-----END |\Z)", re.DOTALL)
_SQL = compiled(r"(?i)\b((?:password|identified\s+by)\s+)'(?:[^']|'')+'")
_WEBHOOK = compiled(r"(?i)(://hooks\.[a-z0-9.-]+/|://[a-z0-9.-]+/api/webhooks/)([^\s\"'<>]{8,})")


def scrub_patterns(text: str) -> str:
    """`text` without what looks like a secret (`[redacted]` in its place); the same object where nothing does.

    Names, cause codes (`database.auth.password_rejected`), configuration paths, references (`env:NAME`) and prose stay.
    """
    scrubbed = _PEM.sub(rf"\1{MASK}", text) if "PRIVATE KEY" in text else text
    if "://" in scrubbed:
        scrubbed = _USERINFO.sub(rf"\1{MASK}", scrubbed)
        scrubbed = _WEBHOOK.sub(rf"\1{MASK}", _USER_KEY.sub(rf"\1{MASK}", scrubbed))
    if "@" in scrubbed:
        for pattern in (_LOGIN, _LOGIN_SPOKEN, _ORACLE):
            scrubbed = pattern.sub(rf"\g<name>{MASK}", scrubbed)
    if " -" in scrubbed:
        scrubbed = _COMMAND.sub(rf"\g<name>{MASK}", scrubbed)
    if ":" in scrubbed or "=" in scrubbed or "," in scrubbed:
        scrubbed = _assignments(scrubbed)
    if "'" in scrubbed:
        scrubbed = _SQL.sub(rf"\1'{MASK}'", scrubbed)
    if "--" in scrubbed:
        scrubbed = _FLAG.sub(_assignment, scrubbed)
    scrubbed = _SPOKEN.sub(rf"\1{MASK}", _SHAPES.sub(MASK, scrubbed))
    return text if scrubbed == text else scrubbed


def _assignments(text: str) -> str:
    text = _HEADER.sub(_header, text)
    if "<" in text:
        text = _HTML.sub(rf"\1\2{MASK}", text)
        text = _HTML_REVERSED.sub(rf"\1\2{MASK}", text)
    text = _NAMED.sub(rf"\1{MASK}", text)
    for pattern in (_ASSIGNED, _LABELLED, _WRITTEN):
        text = pattern.sub(_assignment, text)
    return _QUERY.sub(rf"\1{MASK}", text)


def _assignment(match: re.Match[str]) -> str:
    return f"{match['name']}{match['quote'] or ''}{MASK}"


def _header(match: re.Match[str]) -> str:
    before = match["name"] + match["between"]
    if "cookie" in match["name"].lower():
        return before + _cookies((match["scheme"] or "") + match["value"])
    if match["between"].lstrip("\\\"'").startswith(",") and not match["quote"]:
        return match[0]  # a list of header names, no value
    return f"{before}{match['scheme'] or ''}{MASK}"


def _cookies(value: str) -> str:
    """Each cookie's value masked; the names and the attributes of Set-Cookie stay, since findings are about those."""
    if "=" not in value:
        return MASK if re.search(r"\d", value) else value
    return _COOKIE_VALUE.sub(
        lambda pair: pair[0] if pair[1].lower() in _COOKIE_ATTRIBUTES else f"{pair[1]}={MASK}", value
    )
