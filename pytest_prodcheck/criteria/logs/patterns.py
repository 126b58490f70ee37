"""What a target forbids to be logged, or waits for: plain text, or a bounded regular expression (`re:…`)."""

from __future__ import annotations

from pytest_prodcheck.config import bounded


class Forbidden:
    """One pattern. Letters are compared without their case."""

    def __init__(self, text: str) -> None:
        """`text` as it is written in the configuration, which has refused what cannot be bounded."""
        self.text = text
        self._pattern = bounded.bounded(text.removeprefix("re:")) if text.startswith("re:") else None
        self._plain = text.lower()

    @property
    def needle(self) -> bytes:
        """A text that each line which matches holds, in lower case and without digits at its ends, which the screen
        does not see; empty for none."""
        plain = bounded.literal(self.text.removeprefix("re:")) if self._pattern else self.text
        letters = "".join(character if not character.isdigit() else "\0" for character in plain.lower())
        longest = max(letters.split("\0"), key=len).strip()
        return longest.encode() if len(longest) >= 2 and longest.isascii() else b""

    def found_in(self, text: str) -> bool:
        """Whether the text has it."""
        if self._pattern is None:
            return self._plain in text.lower()
        pattern, reach = self._pattern
        return any(pattern.search(line[:reach]) is not None for line in text[:16_384].splitlines()[:200])
