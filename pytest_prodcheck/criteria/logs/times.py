"""When a line was written, in every way that programs write it; seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_WRITTEN = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z\b|UTC\b|GMT\b|[+-]\d\d:?\d\d\b))?"
    rb"|\d{4}/\d\d/\d\d(?: -)? \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    rb"|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"
    rb"|(?<=[IWEF])\d{4} \d\d:\d\d:\d\d\.\d{1,9}"
    rb"|\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
)
_EPOCH = re.compile(rb'"(?:ts|time|timestamp|@timestamp)": ?(\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?)\b')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_REACH = 160
"""Bytes from the line's beginning in which its time is looked for first; a JSON object may have it further back."""
_FUTURE = timedelta(days=2)


class Clock:
    """Reads the times of one source. `now` tells the year of times that have none; `offset` is what is added to local
    times, in seconds: how far the zone of the machine that wrote them is behind UTC."""

    def __init__(self, now: float, offset: float = 0.0) -> None:
        self._now, self._offset = now, offset
        self._known: dict[bytes, float | None] = {}

    def of(self, line: bytes) -> float | None:
        """When the line was written; None where it does not say."""
        found = _WRITTEN.search(line, 0, _REACH)
        if found is None:
            if line[:1] != b"{":
                return None
            if epoch := _EPOCH.search(line):
                return _scaled(epoch[1])
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
        text = whole.decode("ascii", "replace").replace("UTC", "+00:00").replace("GMT", "+00:00").replace("Z", "+00:00")
        try:
            moment = self._moment(text)
        except ValueError:
            return None
        if moment.tzinfo is not None:
            return moment.timestamp()
        return moment.replace(tzinfo=UTC).timestamp() + self._offset

    def _moment(self, text: str) -> datetime:
        if text[4:5] == "-":
            return datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))
        if text[4:5] == "/":
            return datetime.strptime(text.replace(" -", ""), "%Y/%m/%d %H:%M:%S")
        if text[2:3] == "/":
            day, month, rest = text.split("/", 2)
            return datetime.strptime(f"{day}/{_month(month):02d}/{rest}", "%d/%m/%Y:%H:%M:%S %z")
        if text[2:3] == " ":
            day, month, rest = text.split(" ", 2)
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
