"""When a line was written, in every way that programs write it; seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_ZONES = {
    "UTC": 0.0, "GMT": 0.0, "WET": 0.0, "WEST": 1.0, "BST": 1.0, "CET": 1.0, "CEST": 2.0, "EET": 2.0, "EEST": 3.0,
    "SAST": 2.0, "MSK": 3.0, "JST": 9.0, "KST": 9.0, "AEST": 10.0, "AEDT": 11.0, "EST": -5.0, "EDT": -4.0,
    "CDT": -5.0, "MDT": -6.0, "MST": -7.0, "PDT": -7.0, "PST": -8.0, "IST": None, "CST": None,
}  # fmt: skip
"""Hours before UTC of the zones' names that PostgreSQL prints; None where two zones have the same name."""
_WRITTEN = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z\b|[+-]\d\d:?\d\d\b)| (?:"
    + "|".join(_ZONES).encode()
    + rb")\b)?"
    rb"|\d{4}/\d\d/\d\d(?: -)? \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    rb"|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"
    rb"|(?<=[IWEF])\d{4} \d\d:\d\d:\d\d\.\d{1,9}"
    rb"|\d\d[ -][A-Z][a-z]{2}[ -]\d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
)
_EPOCH = re.compile(rb'"(?:ts|time|timestamp|@timestamp)": ?(\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?)\b')
_KEYED = re.compile(rb'"(?:@?[Tt]imestamp|time|ts|@t|asctime|datetime)\\?": ?\\?"(?=\d)')
"""What stands before the time of a JSON object, which may have other times in it."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_REACH = 160
"""Bytes from the line's beginning in which its time is looked for first; a JSON object may have it further back."""
_FUTURE = timedelta(days=2)
"""What is written of later than that, or of before 1970, is no time at which a line was written."""


class Clock:
    """Reads the times of one source. `now` tells the year of times that have none; `offset` is what is added to local
    times, in seconds: how far the zone of the machine that wrote them is behind UTC."""

    def __init__(self, now: float, offset: float = 0.0) -> None:
        self._now, self._offset = now, offset
        self._known: dict[bytes, float | None] = {}

    def of(self, line: bytes) -> float | None:
        """When the line was written; None where it does not say."""
        found = None
        if line[:1] != b"{":
            found = _WRITTEN.search(line, 0, _REACH)
        elif keyed := _KEYED.search(line):
            found = _WRITTEN.match(line, keyed.end())
        if found is None:
            if line[:1] != b"{":
                return None
            if epoch := _EPOCH.search(line):
                at = _scaled(epoch[1])
                return at if at <= self._now + _FUTURE.total_seconds() else None
            found = _WRITTEN.search(line)
        return self.read(found[0]) if found else None

    def read(self, written: bytes) -> float | None:
        """The instant that a time means; the seconds of one line are mostly those of the line before."""
        whole, fraction = _split(written)
        if whole not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            self._known[whole] = self._instant(whole)
        known = self._known[whole]
        return None if known is None else known + fraction

    def _instant(self, whole: bytes) -> float | None:
        text = whole.decode("ascii", "replace")
        before, _, zone = text.rpartition(" ")
        text, ahead = (before, _ZONES[zone]) if zone in _ZONES else (text.replace("Z", "+00:00"), -self._offset / 3600)
        try:
            moment = self._moment(text)
        except ValueError:
            return None
        if ahead is None:
            return None
        at = moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp() - ahead * 3600
        return at if 0 <= at <= self._now + _FUTURE.total_seconds() else None

    def _moment(self, text: str) -> datetime:
        if text[4:5] == "-":
            return datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))
        if text[4:5] == "/":
            return datetime.strptime(text.replace(" -", ""), "%Y/%m/%d %H:%M:%S")
        if text[2:3] == "/":
            day, month, rest = text.split("/", 2)
            return datetime.strptime(f"{day}/{_month(month):02d}/{rest}", "%d/%m/%Y:%H:%M:%S %z")
        if text[2:3] in (" ", "-"):
            day, month, rest = text.replace("-", " ").split(" ", 2)
            return datetime.strptime(f"{day} {_month(month):02d} {rest}", "%d %m %Y %H:%M:%S")
        return self._without_year(text)

    def _without_year(self, text: str) -> datetime:
        """klog's `1129 10:00:00` and syslog's `Nov 29 10:00:00`: of this year, or of the last one."""
        month, day = (int(text[:2]), int(text[2:4])) if text[:4].isdigit() else (_month(text[:3]), int(text[4:6]))
        hour, minute, second = (int(part) for part in text[-8:].split(":"))
        today = datetime.fromtimestamp(self._now, UTC)
        moment = datetime(today.year, month, day, hour, minute, second)
        late = moment.replace(tzinfo=UTC) > today + _FUTURE
        return moment.replace(year=today.year - 1) if late else moment


def _month(name: str) -> int:
    if name not in _MONTHS:
        raise ValueError(name)
    return _MONTHS.index(name) + 1


def _split(written: bytes) -> tuple[bytes, float]:
    """The time without its fraction of a second, and the fraction."""
    at = max(written.find(b"."), written.find(b","))
    if at < 0:
        return written, 0.0
    end = at + 1
    while end < len(written) and 48 <= written[end] <= 57:
        end += 1
    return written[:at] + written[end:], int(written[at + 1 : end]) / 10 ** (end - at - 1)


def _scaled(digits: bytes) -> float:
    whole, _, fraction = digits.partition(b".")
    return float(int(whole) / 10.0 ** (len(whole) - 10)) + (float(b"0." + fraction) if fraction else 0.0)
