"""Progress lines come while the gate waits, and only then."""

from __future__ import annotations

import io
import time

from pytest_prodcheck.report.progress import Progress


class Kept(io.StringIO):
    """A stream whose text can be read after it was closed."""

    text = ""

    def close(self) -> None:
        """Keeps what was written."""
        self.text = self.getvalue()
        super().close()


def test_lines_come_while_the_status_changes() -> None:
    """Each new status is said once, and none after the end."""
    stream, said = Kept(), iter(["1 of 3 checks", "2 of 3 checks", "2 of 3 checks"])
    progress = Progress(stream, lambda: next(said, "2 of 3 checks"), 0.02)
    progress.start()
    time.sleep(0.2)
    progress.stop()
    assert stream.text.splitlines() == ["", "prodcheck: 1 of 3 checks", "", "prodcheck: 2 of 3 checks"]


def test_a_quick_run_says_nothing() -> None:
    """A run that is over before the first interval has no progress lines."""
    stream = Kept()
    progress = Progress(stream, lambda: "1 of 3 checks", 5.0)
    progress.start()
    progress.stop()
    assert stream.text == ""
