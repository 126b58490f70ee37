"""What sentinels say of the service that they watch: where its primary is, and whether they could move it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_prodcheck.observe.cache import Watch
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.cache.address import Place, Server
from pytest_prodcheck.targets.transport_errors import classify

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cache.connect import Connector
    from pytest_prodcheck.targets.cache.session import Session


def primary(connector: Connector, server: Server, end: float) -> Place | Observation:
    """The primary that the first sentinel names which answers; else why none did, as an observation."""
    from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch

    seen = Observation(connector.target, "sentinel", "readiness", started_at=time.time(), expected=False)
    for number, place in enumerate(server.places):
        left = max(0.05, end - time.perf_counter()) / (len(server.places) - number)
        seen = replace(seen, data={"host": place.host, "port": place.port, "service": connector.table.service})
        try:
            session = _opened(connector, server, place, time.perf_counter() + left)
        except OSError as error:
            seen = replace(seen, error=classify(error, connected=False), code="")
            continue
        try:
            found = session.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", connector.table.service)
        except Said as refusal:
            seen = replace(seen, code=refusal.word or "ERR", message=refusal.text, error="")
        except (Garbage, TooMuch) as nonsense:
            seen = replace(seen, error="protocol", message=str(nonsense), code="")
        except OSError as error:
            seen = replace(seen, error=classify(error, connected=True), code="")
        else:
            if isinstance(found, list) and len(found) == 2 and all(isinstance(part, bytes) for part in found):
                host, port = (part.decode("ascii", "replace") for part in found if isinstance(part, bytes))
                if port.isdigit() and 0 < int(port) < 65536:
                    return Place(host, int(port))
            text = f"the sentinel watches no service {connector.table.service}"
            seen = replace(seen, code="UNKNOWN_SERVICE", message=text, error="")
        finally:
            session.close()
    return seen


def watch(connector: Connector, url: str) -> Watch:
    """What the first sentinel that answers says of its service and of the others. Raises LookupError, with the reason,
    where none answers."""
    from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch

    server, service = connector.server(url), connector.table.service
    reason = "no sentinel answers"
    for place in server.places:
        try:
            session = _opened(connector, server, place, time.perf_counter() + connector.table.timeout)
        except OSError as error:
            reason = f"{place}: {classify(error, connected=False)}"
            continue
        try:
            fields = _pairs(session.ask("SENTINEL", "MASTER", service))
            quorum = _quorum(session, service)
        except (Garbage, TooMuch, OSError, Said) as error:
            reason = f"{place}: {error}"
        else:
            return Watch(
                str(place), tuple(fields.get("flags", "").split(",")), _number(fields, "num-other-sentinels") + 1,
                _number(fields, "quorum"), _number(fields, "num-slaves"), quorum,
            )  # fmt: skip
        finally:
            session.close()
    raise LookupError(reason)


def _opened(connector: Connector, server: Server, place: Place, end: float) -> Session:
    """A session with a sentinel, which has a password of its own or none. Raises OSError."""
    from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch

    session, _ = connector.opened(server, place, end)
    if connector.table.sentinel_password:
        try:
            session.step("AUTH", connector.table.sentinel_password)
        except Said:
            return session  # what it is asked next, it refuses with the reason
        except (Garbage, TooMuch):
            session.close()
            raise ConnectionResetError("the answer is no RESP") from None
    return session


def _quorum(session: Session, service: str) -> str:
    """Empty where enough sentinels are reachable for a failover; else the sentinel's own words."""
    from pytest_prodcheck.targets.cache.session import Said

    try:
        session.ask("SENTINEL", "CKQUORUM", service)
    except Said as refusal:
        return refusal.text
    return ""


def _pairs(answer: object) -> dict[str, str]:
    texts = [part.decode("utf-8", "replace")[:200] if isinstance(part, bytes) else "" for part in answer] if isinstance(
        answer, list) else []  # fmt: skip
    return dict(zip(texts[::2], texts[1::2], strict=False))


def _number(fields: dict[str, str], name: str) -> int:
    value = fields.get(name, "")
    return int(value) if value.isdigit() else 0
