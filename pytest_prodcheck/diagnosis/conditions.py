"""When one cause can explain one symptom: the conditions that `relations` names."""

from __future__ import annotations

import re
from collections.abc import Callable

from pytest_prodcheck.diagnosis.components import layers_named
from pytest_prodcheck.diagnosis.signs import Sign
from pytest_prodcheck.observe.cluster import moment

_PORT = re.compile(r"(?:[A-Za-z][\w.-]*|\d\.\d{1,3}|\]):(\d{2,5})\b(?!:\d)")
"""A port after a host's name or address; a time of day is none."""
Condition = Callable[[Sign, Sign], bool]
"""(sign of the cause, symptom) → whether the one can explain the other."""


def always(_cause: Sign, _symptom: Sign) -> bool:
    """No condition."""
    return True


def same_host(cause: Sign, symptom: Sign) -> bool:
    """Both were seen at one host and port (or one target, where no host is known)."""
    return cause.host == symptom.host or cause.target == symptom.target


def same_target(cause: Sign, symptom: Sign) -> bool:
    """Both were seen at one target."""
    return cause.target == symptom.target


def same_table(cause: Sign, symptom: Sign) -> bool:
    """Both name one table, whatever the schema; or one of them names none."""
    mine, theirs = _tables(cause), _tables(symptom)
    return not mine or not theirs or bool(mine & theirs)


def counts_the_same_errors(cause: Sign, symptom: Sign) -> bool:
    """The symptom is a limit of latency that the errors of the cause's requests break, and no slow answer does."""
    same = cause.target == symptom.target and cause.data.get("operation") == symptom.data.get("operation")
    return same and symptom.criterion == "latency" and symptom.code == "unknown"


def same_container(cause: Sign, symptom: Sign) -> bool:
    """Both are of one container of one pod."""
    mine, theirs = ((one.data.get("pod"), one.data.get("container")) for one in (cause, symptom))
    return mine == theirs != (None, None)


def same_scenario(cause: Sign, symptom: Sign) -> bool:
    """Both are of one load scenario; what is said of all scenarios together is of each."""
    return symptom.data.get("scenario", "") in ("", cause.data.get("scenario"))


def same_user(cause: Sign, symptom: Sign) -> bool:
    """Both concern one declared user; or one of them names none."""
    mine, theirs = _acting(cause), _acting(symptom)
    return not mine or not theirs or mine == theirs


def kept_by_it(cause: Sign, symptom: Sign) -> bool:
    """The symptom is a request with a user, or a log-in, whose session a cache keeps, which others are kept out of."""
    return needs_identity(cause, symptom) and breaks_services(cause, symptom)


def of_a_host(_cause: Sign, symptom: Sign) -> bool:
    """The symptom was seen over HTTP, where a cache of no use is noticed; an engine asks its database."""
    return symptom.kind == "http"


def seen_directly(cause: Sign, symptom: Sign) -> bool:
    """The cause was seen at its own target, the symptom only in an application's words."""
    return not cause.revealed and symptom.revealed


def at_its_provider(cause: Sign, symptom: Sign) -> bool:
    """The cause was seen at the provider, the symptom at a consumer; or both at the provider, in different checks."""
    return cause.kind == "auth" and (symptom.kind != "auth" or cause.check != symptom.check)


def at_a_consumer(cause: Sign, symptom: Sign) -> bool:
    """The cause was seen at the provider, the symptom at a service that verifies tokens."""
    return cause.kind == "auth" and symptom.kind != "auth"


def consumers_own(cause: Sign, _symptom: Sign) -> bool:
    """The cause was seen at a service, so it lies in how services verify, whoever asks."""
    return cause.kind != "auth"


def breaks_services(cause: Sign, symptom: Sign) -> bool:
    """The cause is not only our reader's: where another credential logs in, the services are not kept out by it."""
    if cause.code.startswith(_CAUGHT) and symptom.code == "http.upstream.crashed":
        return False  # a failed query is caught: what it answers is the application's, no gateway's
    ours = cause.code.startswith(_OF_ONE_LOGIN) and "::test_ready" in cause.check
    return not (ours and cause.data.get("asked_as")) or symptom.target == cause.target


def of_its_layer(cause: Sign, symptom: Sign) -> bool:
    """The component that a health document complains of is of the cause's layer; or it names none."""
    named = layers_named(symptom.message)
    layer = cause.code.partition(".")[0]
    return (not named or layer in named) and breaks_services(cause, symptom)


def lacked_by_our_reader(cause: Sign, symptom: Sign) -> bool:
    """The migrations' table cannot be read because our reader lacks what the cause names, or does not name."""
    lacks, schema = symptom.data.get("lacks"), str(symptom.data.get("record", "")).partition(".")[0]
    if lacks == "row_security":
        return cause.code == "database.rls.setting_off"
    mine = (cause.data.get("role") or symptom.data.get("role"), cause.data.get("schema") or schema)
    return lacks in ("USAGE", "SELECT") and mine == (symptom.data.get("role"), schema)


def same_session(cause: Sign, symptom: Sign) -> bool:
    """The symptom's session is one of those that hold the cause's lock or wait for it."""
    return symptom.data.get("pid") in cause.data.get("pids", ())


def pinned(_cause: Sign, symptom: Sign) -> bool:
    """The symptom is a difference to the pinned contract, which sees the same loss from the catalog."""
    return "::test_contract" in symptom.check


def called_by_its_policies(cause: Sign, symptom: Sign) -> bool:
    """What differs from the contract is a function that the policies of the symptom's table call."""
    called = symptom.data.get("functions")
    return isinstance(called, list) and str(cause.data.get("object", "")).partition("(")[0] in called


def needs_identity(_cause: Sign, symptom: Sign) -> bool:
    """The symptom is a request with a user, or a log-in."""
    return bool(symptom.data.get("acts_as"))


def about_its_table(cause: Sign, symptom: Sign) -> bool:
    """What changed in the schema is named after the cause's table (`tasks`, `query_root.tasks_by_pk`), or is a root
    type that has lost its last field."""
    subject, tables = str(symptom.data.get("subject", "")), _tables(cause)
    return not tables or subject.endswith("_root") or any(table in subject for table in tables)


def same_line(cause: Sign, symptom: Sign) -> bool:
    """Both are of one line of a log."""
    return _origin(cause) == _origin(symptom) != "" and _said(cause) == _said(symptom) != ""


def logged_with_its_path(cause: Sign, symptom: Sign) -> bool:
    """The log's words name the path whose answer the symptom is, as where there is no request id."""
    path, words = str(symptom.data.get("path", "")), str(cause.data.get("text", ""))
    return len(path) > 1 and re.search(rf"(?<![\w/]){re.escape(path)}(?![\w/-])", words) is not None


def of_its_way(cause: Sign, symptom: Sign) -> bool:
    """A log's refused or unanswered connection that names no other port than the one where we get no answer, either."""
    ports = set(_PORT.findall(str(symptom.data.get("text", ""))))
    return cause.code.rpartition(".")[2] == symptom.code.rpartition(".")[2] and ports <= {str(cause.data.get("port"))}


def served_by_what_is_down(cause: Sign, symptom: Sign) -> bool:
    """Nothing answers us over HTTP, so nobody writes logs or fills a cache."""
    return cause.criterion == "ready" and cause.kind == "http" and symptom.kind in ("cache", "logs")


def same_stream_and_time(cause: Sign, symptom: Sign) -> bool:
    """Both are of one stream of a log, and the times in which they were seen are at most a second apart."""
    if not _origin(cause) or _origin(cause) != _origin(symptom):
        return False
    (begun, ended), (first, last) = _times(cause), _times(symptom)
    return 0 < begun <= last + _APART and 0 < first <= ended + _APART


def without_a_token(_cause: Sign, symptom: Sign) -> bool:
    """The symptom is what a caller got who sent none."""
    return symptom.data.get("role") == "anonymous"


def of_its_operation(cause: Sign, symptom: Sign) -> bool:
    """The operation that does not fit is one that the changed part of the schema breaks; a field that is gone breaks
    those that still ask for it, see `asks_for_what_is_gone`."""
    return cause.data.get("change") != _GONE and _breaks(cause, symptom)


def asks_for_what_is_gone(cause: Sign, symptom: Sign) -> bool:
    """The pinned schema has a field that the served one has no longer, and the cause's operation asks for it."""
    return symptom.data.get("change") == _GONE and _breaks(symptom, cause)


def _breaks(change: Sign, asked: Sign) -> bool:
    return str(asked.data.get("operation", "")).rpartition(" ")[2] in (change.data.get("failing") or ())


_GONE = "FIELD_REMOVED"
"""graphql-core, `BreakingChangeType`."""


def _tables(sign: Sign) -> set[str]:
    names = sign.data.get("tables") or [sign.data.get("table") or ""]
    shown = {str(name).split(".")[-1].removesuffix("_by_pk").removesuffix("_aggregate") for name in names if name}
    column = str(sign.data.get("column", ""))
    return shown | ({column} if column and shown else set())


def _origin(sign: Sign) -> str:
    return str(sign.data.get("origin", ""))


def _said(sign: Sign) -> str:
    return str(sign.data.get("text", "")).partition("\n")[0]


def _times(sign: Sign) -> tuple[float, float]:
    return moment(sign.data.get("first")), moment(sign.data.get("last"))


_APART = 1.0


def _acting(sign: Sign) -> str:
    return str(sign.data.get("acts_as", ""))


_CAUGHT = ("database.schema.", "database.privilege.", "database.rls.")
_OF_ONE_LOGIN = ("database.auth.", "database.connections.role_limit", "database.tls.", "database.dns.",
                 "database.port.", "database.name.", "database.tcp.", "database.connection.", "cache.auth.",
                 "cache.dns.", "cache.tcp.", "cache.tls.", "cache.port.", "cache.connection.",
                 "cache.protocol.")  # fmt: skip
