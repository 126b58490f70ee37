"""Credentials and personal data in a line: what they are, and the line without them."""

from __future__ import annotations

import re

from pytest_prodcheck.config.redaction.patterns import MASK, scrub_patterns
from pytest_prodcheck.config.redaction.screen import harmless

_MAIL = re.compile(r"(?<![\w.+/-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![\w@])")
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w.-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])|\\/")
_LINE = 300
_LOOKED_AT = 4000
_EXAMPLE = re.compile(r"@(?:[\w-]+\.)*(?:example(?:\.\w+)?|test|invalid|localhost)$", re.IGNORECASE)


def credential(text: str) -> str:
    """Words before a credential that the text prints, the value masked; of a JSON object the key alone. Empty where it
    prints none."""
    head = _unescaped(text[:_LOOKED_AT])
    masked = scrub_patterns(head)
    if masked == head:
        return ""
    at = masked.find(MASK, next((n for n, (one, two) in enumerate(zip(head, masked, strict=False)) if one != two), 0))
    if at < 0:
        return ""
    before = masked[max(0, at - 60) : at]
    if head.startswith("{"):
        before = before[max(before.rfind(","), before.rfind("{")) + 1 :]
    return harmless(before + MASK).strip()


def personal(text: str) -> str:
    """What personal data a text prints: `an e-mail address`, `a card number`, `an IBAN`; empty for none."""
    head = text[:_LOOKED_AT]
    if any(not _EXAMPLE.search(found) for found in _MAIL.findall(head)):
        return "an e-mail address"
    if any(_luhn(found) for found in _CARD.findall(head)):
        return "a card number"
    return "an IBAN" if any(_mod97(found) for found in _IBAN.findall(head)) else ""


def shown(text: str) -> str:
    """A line as it may be kept: credentials and personal data masked, no control characters, at most 300 characters."""
    masked = scrub_patterns(harmless(_unescaped(text[:_LOOKED_AT])))
    masked = _MAIL.sub("[e-mail]", masked)
    masked = _CARD.sub(lambda found: "[card]" if _luhn(found[0]) else found[0], masked)
    masked = _IBAN.sub(lambda found: "[IBAN]" if _mod97(found[0]) else found[0], masked)
    flat = " ".join(masked.split())
    return flat if len(flat) <= _LINE else flat[: _LINE - 1] + "…"


def _unescaped(text: str) -> str:
    """The text without JSON's needless escapes: PHP writes `postgresql:\\/\\/`, Go `\\u0026` between parameters."""
    if "\\/" not in text and "\\u00" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "/", text)


def _luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B; and the first digit of a payment card."""
    digits = [int(one) for one in text if one.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (3, 4, 5, 6) or len(set(digits)) < 2:
        return False
    doubled = [sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _mod97(text: str) -> bool:
    """ISO 13616-1."""
    bare = text.replace(" ", "")
    turned = "".join(str(int(one, 36)) for one in bare[4:] + bare[:4])
    return 15 <= len(bare) <= 34 and int(turned) % 97 == 1
