"""A cause in words: what broke, the evidence, the remedy, the next command; all from the data of its signs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_prodcheck.diagnosis import cluster
from pytest_prodcheck.diagnosis.candidates import Candidate
from pytest_prodcheck.diagnosis.causes import kind_of
from pytest_prodcheck.diagnosis.kind import fill, missing
from pytest_prodcheck.diagnosis.signs import Sign
from pytest_prodcheck.diagnosis.symptoms import is_request
from pytest_prodcheck.observe.catalog import identifier
from pytest_prodcheck.observe.finding import Cause

_JSON_TEXT = re.compile(
    r'"(?:error|message|detail|title|error_description|msg|reason)"\s*:\s*"((?:[^"\\\\]|\\\\.){3,300})"'
)
_TITLE = re.compile(r"<title>\s*([^<]{2,80}?)\s*</title>", re.IGNORECASE)
_MARKUP = re.compile(r"\s*[<{\[]")
_LIBPQ = re.compile(r"^connection (to server )?(at [^,]+, port \d+ )?failed: ")
_OPTION = re.compile(r"-[hpUd] \{(\w+)\} ")
_RECORD = re.compile(r"select \* from \{record\}|\\dp \{record\}")
"""What looks into the table of a migration tool; which one that is, is not known where a query stands for it."""
_DESCRIBES = re.compile(r"\\dp? \{table\}")
_DESCRIBED = {"function": r"\df+ {table}", "schema": r"\dn+ {table}", "type": r"\dT+ {table}", "extension": r"\dx"}
"""Kind of a thing that is no relation → what psql shows of it, and of its privileges; `\\dp` shows nothing."""
_ASKS = re.compile(r"^(?:curl|for .* curl) .*\{(?:url|service_url)\}")
_CURL = re.compile(r"\bcurl (?=.*\{(?:url|origin|issuer|jwks_uri|service_url)\})")
_KUBECTL = re.compile(r"^kubectl(?= )")
"""A command that would ask whichever cluster is current."""
_ENVIRONMENT = re.compile(r"\bENV\b")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f]+")
_AT_THE_CONSUMER = ("auth.header.", "auth.secret.", "auth.cookie.", "auth.session_secret.", "auth.signature.",
                    "auth.anonymous.", "auth.key.", "auth.algorithm.", "auth.expiry.", "auth.audience.", "auth.role.",
                    "auth.refusal.", "auth.specimen.")  # fmt: skip
"""Causes of the auth layer that lie at a service, not at the provider: the next command asks the service."""
_WAYS = ("database.dns.", "database.tcp.", "cache.dns.", "cache.tcp.")
_QUERY = '{"query":"{__typename}"}'
_DOCTOR = "prodcheck doctor ENV"
_ONCE_MORE = {"logs": "pytest --prodcheck=ENV -k logs", "load": "pytest --prodcheck=ENV -m load"}
"""What is typed where a log does not name what a command needs, and cannot be looked at by a command of its own; and
where a shipped scenario has no file for Locust."""
_EXPANDED = re.compile(r'[\\"$`]')
"""What a shell reads between double quotes."""
_WIDTH = 160
_BARE = 40
"""Below so many characters, what was seen says nothing without its message."""


def cause(
    root: Candidate,
    symptoms: Sequence[Sign],
    explains: Sequence[str],
    notes: Sequence[str],
    places: Mapping[str, Mapping[str, Any]],
) -> Cause:
    """The cause that `root` is: message, evidence (one to three lines), remedy, next command, and what it explains."""
    sign = _speaker(root)
    kind, finding, data = kind_of(root.code), sign.finding, _data(root, places)
    own = finding is not None and finding.code == root.code
    evidence = dict.fromkeys([*map(_line, root.signs), *notes, *map(_line, symptoms)])
    return Cause(
        root.code,
        sign.target,
        _message(root, sign, data),
        _rules(root) or (own and finding and finding.remedy) or fill(kind.remedy, data),
        (own and finding and finding.next) or _command(_request(_fitting(kind.next, sign, data), sign), data),
        tuple(line for line in evidence if line)[:3],
        tuple(explains),
    )


def _rules(root: Candidate) -> str:
    """All rules that are missing, where more than one is (R22)."""
    places: dict[str, dict[str, None]] = {}
    for sign in root.signs if root.code.startswith("cluster.rbac.") else ():
        if rule := str(sign.data.get("rule", "")):
            places.setdefault(str(sign.data.get("namespace", "")), {})[rule] = None
    if sum(map(len, places.values())) < 2:
        return ""
    each = (f"add to a Role of {place}: {' '.join(rules)}" for place, rules in places.items())
    return f"{'; '.join(each)} (prodcheck rbac ENV prints all)"


def _fitting(template: str, sign: Sign, data: Mapping[str, Any]) -> str:
    """The next command; where it is of Hasura's own tool and the engine is another one, the check once more. What a
    container does not reach is looked for in its namespace: the runner may reach it well."""
    if cluster.said_at_the_end(sign) and sign.code.startswith(_WAYS):
        return "kubectl -n {namespace} get services,endpointslices,networkpolicies -o wide"
    if data.get("engine") == "generic" and template.startswith("hasura "):
        return f"pytest --prodcheck=ENV {shlex.quote(sign.check)}"
    return template


def _command(template: str, data: dict[str, Any]) -> str:
    """The next command, filled in; an option whose value is not known is left out, because the shell's own may do."""
    known = _OPTION.sub(lambda option: option[0] if data.get(option[1]) not in (None, "") else "", template)
    if described := _DESCRIBED.get(str(data.get("kind", ""))):
        known = _DESCRIBES.sub(lambda _: described, known)
    if not data.get("record"):
        known = _RECORD.sub(r"\\dt", known)
    if data.get("kubectl"):
        known = _KUBECTL.sub(lambda _: str(data["kubectl"]), known)
    if data.get("ca"):
        known = _CURL.sub("curl --cacert {ca} ", known)
    again = _ONCE_MORE.get(str(data["target"]).partition(".")[0])
    if again and missing(known, data):
        known = str(data.get("look") or again)
    return _ENVIRONMENT.sub(str(data.get("environment") or "ENV"), fill(known, {**data, **_typed(data)}, command=True))


def _typed(data: Mapping[str, Any]) -> dict[str, str]:
    """The table as it is typed: quoted where SQL needs it, and for the shell. Whoever names a table types no command:
    `table` and `record` stand between single quotes, `relation` in a literal of SQL between double ones."""
    relation = str(data.get("relation") or "").replace("'", "''")
    thing = str(data.get("table") or "")
    table = thing.partition("(")[0] if data.get("kind") == "function" else thing  # psql takes no types in brackets
    named = {"table": _quoted(table), "record": _quoted(data.get("record"))}
    return {**named, "relation": _EXPANDED.sub(r"\\\g<0>", relation)}


def _quoted(thing: object) -> str:
    schema, dot, name = str(thing or "").partition(".")
    parts = [identifier(part) for part in (schema, name) if part]
    return dot.join(parts).replace("'", r"'\''")


def _request(template: str, sign: Sign) -> str:
    """The next command, where it repeats a request: by the method, the kind of body and the user that were seen."""
    if not _ASKS.search(template) or " -d " in template:
        return template
    if sign.kind not in ("http", "graphql"):
        return _DOCTOR if sign.code == "unknown" and "::test_token" in sign.check else template
    method = str(sign.data.get("method") or "GET")
    options = [] if method in ("GET", "HEAD") or sign.kind == "graphql" else [f"-X {method}"]
    if sign.data.get("acts_as") and "Authorization" not in template:
        options.append('-H "Authorization: Bearer $TOKEN"')
    if sign.kind == "graphql" and not str(sign.data.get("operation", "")).startswith("GET "):
        template = template.replace("curl -sI ", "curl -si ")
        options.append(f"-H 'Content-Type: application/json' -d '{_QUERY}'")
    return re.sub(r"(?=\{(?:url|service_url)\})", " ".join([*options, ""]) if options else "", template)


def _speaker(root: Candidate) -> Sign:
    def hidden(sign: Sign) -> tuple[bool, bool, bool, bool, bool, bool]:
        minor = sign.finding is not None and sign.finding.severity != "error"
        ready = sign.criterion == "ready"
        whole = "serving" in sign.data  # a rollout says what serves meanwhile, a pod only what is wrong with it
        return sign.revealed, not ready, sign.finding is None, minor, not whole, not is_request(sign)

    ranked = sorted(root.signs, key=hidden)
    return ranked[0]


def _data(root: Candidate, places: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The facts of all signs, the speaker's first; where another layer speaks of it, the place is the cause's own."""
    speaker, layer = _speaker(root), root.code.partition(".")[0]
    own = [target for target in places if target.partition(".")[0] == layer]
    # what an exchange itself shows (`http.`) is where it was seen, whatever kind of target that is
    elsewhere = bool(own) and layer not in (speaker.kind, "http") and not root.code.startswith(_AT_THE_CONSUMER)
    elsewhere = elsewhere and not (cluster.said_at_the_end(speaker) and speaker.data.get("host"))
    merged: dict[str, Any] = dict(places[own[0]]) if elsewhere else {}
    for sign in (speaker, *root.signs):
        known = {key: value for key, value in sign.data.items() if value not in (None, "")}
        merged = {**known, **merged}
    merged = {**merged, **{key: value for key, value in places.get(speaker.target, {}).items() if key not in merged}}
    if asked := places.get(str(merged.get("of", ""))):  # a log's word about what another target answered us
        merged = {**asked, "path": str(merged.get("operation", "")).partition(" ")[2], **merged}
    merged.setdefault("role", merged.get("user", ""))
    merged["service_url"] = _address({**places.get(speaker.target, {}), **speaker.data}).get("url", "")
    merged["target"] = speaker.target
    merged["login"] = merged.get("asked_as") or merged.get("login") or merged.get("user", "")
    if merged.get("subject") == merged.get("fingerprint"):
        merged["subject"] = ""  # it tells groups of records apart, and names nothing that a command could ask for
    merged.setdefault("table", merged.get("subject", ""))
    merged["text"] = "\n".join(dict.fromkeys(str(merged.get("text", "")).splitlines()))
    merged["relation"] = str(merged["table"]).rpartition(".")[2]
    document = {"url": merged["url"]} if speaker.kind == "auth" and merged.get("url") else {}
    return {**merged, **_address(merged), **document}


def _address(data: Mapping[str, Any]) -> Mapping[str, str]:
    """`host` without its port, `origin` and `url` with it, where a host is known."""
    port, scheme = str(data.get("port") or ""), str(data.get("scheme") or "https")
    host = str(data.get("host") or "").removesuffix(f":{port}")
    if not host:
        return {}
    usual = {"https": "443", "http": "80"}.get(scheme, "")
    origin = f"{scheme}://{host}" + (f":{port}" if port not in ("", usual) else "")
    return {"host": host, "origin": origin, "url": origin + str(data.get("path") or "/")}


def _message(root: Candidate, sign: Sign, data: dict[str, Any]) -> str:
    kind = kind_of(root.code)
    if root.code == "unknown":
        return _unknown(sign, data)
    if sign.finding and sign.finding.code == root.code and sign.message and not _raw(sign, data):
        return _flat(sign.message) + _more(root)
    if sign.revealed and root.code.startswith("auth.token.") and missing(kind.says, {**data, "expected": ""}):
        return _flat(f"{kind.means}: {data.get('operation', sign.check)} says {_words(sign)}")
    said = kind.means if missing(kind.says, data) and "{subject}" in kind.says else fill(kind.says, data)
    return _flat(said + _addition(data)) + _more(root)


def _raw(sign: Sign, data: dict[str, Any]) -> bool:
    """Whether the finding only repeats what libpq or a gateway said, and the table says it better."""
    at_the_door = sign.criterion == "ready" and (
        sign.kind in ("database", "cache") or sign.kind != sign.code.split(".")[0]
    )
    return at_the_door and not missing(kind_of(sign.code).says, data)


def _unknown(sign: Sign, data: dict[str, Any]) -> str:
    if data.get("status") and data.get("operation") and sign.criterion != "latency":  # its limit is no status
        return _flat(fill(kind_of("unknown").says, {"expected": "another status", **data}))
    seen = _flat(sign.message or str(data.get("text", "")) or "a check failed")
    return seen if seen.endswith("no cause known") else f"{seen}; no cause known"


def _addition(data: dict[str, Any]) -> str:
    if data.get("undecided"):
        return ": wrong password or missing role (cannot be told apart without a second credential)"
    if data.get("password_ends_in_white_space") and str(data.get("word")) == "WRONGPASS":
        return "; it ends in white space, as one that was created by echo without -n"
    until = str(data.get("valid_until") or "")[:10]
    if data.get("expired") and until:
        return f" on {until}"
    if data.get("similar"):
        return f"; similar: {', '.join(map(str, data['similar']))}"
    return "; the role exists" if data.get("role_exists") else ""


def _more(root: Candidate) -> str:
    """How many more tables, users, documents one kind of check shows it for; a host's answers are counted elsewhere."""
    if root.code.startswith(("http.", "unknown")):
        return ""
    asked = _speaker(root).check.partition("[")[0]
    alike = [sign for sign in root.signs if sign.check.partition("[")[0] == asked and not sign.revealed]
    subjects = {str(sign.data.get("table") or sign.data.get("subject", "")) for sign in alike}
    return f" (and {len(subjects) - 1} more)" if len(subjects) > 1 else ""


def _line(sign: Sign) -> str:
    operation = str(sign.data.get("operation") or sign.data.get("subject") or sign.check.split("::", 1)[-1])
    words = _words(sign)
    if words.startswith(operation) or (words and words == sign.message and "operation" not in sign.data):
        return _flat(words)
    shown = [str(sign.data[key]) for key in ("status", "sqlstate", "hasura_code", "error") if sign.data.get(key)]
    told = [name for name in dict.fromkeys(shown) if name not in words]
    return _flat(f"{operation} → {' '.join([*told, words])}")


def _words(sign: Sign) -> str:
    """The most telling words of what was seen: an error's own text out of its JSON, a page's title, the first line."""
    lines = [line for line in str(sign.data.get("text", "")).splitlines() if line.strip() and line != str(sign.status)]
    for line in lines:
        if found := _JSON_TEXT.search(line):
            return found[1].replace('\\"', '"')
    if sign.finding is not None and lines == [sign.finding.seen] and len(lines[0]) < _BARE:
        return sign.message
    text = " ".join(lines)
    if found := _TITLE.search(text):
        return found[1]
    return _LIBPQ.sub("", lines[0]) if lines and not _MARKUP.match(lines[0]) else sign.message


def _flat(text: str) -> str:
    flat = _CONTROL.sub(" ", text).strip()
    return flat if len(flat) <= _WIDTH else flat[: _WIDTH - 1] + "…"
