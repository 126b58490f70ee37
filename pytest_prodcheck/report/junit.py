"""JUnit comes from pytest itself; afterwards its file is scrubbed, and what was not proven is a failure in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from pytest_prodcheck.report.verdict_json import replace_file

_PREFIX = "insufficient: "


def finish(path: Path, scrub: Callable[[str], str], policy: str) -> None:
    """Finishes pytest's JUnit file; does nothing where there is none. `policy` is the environment's `insufficient`."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    changed = scrub(text)
    if policy == "fail" and _PREFIX in changed:
        changed = _with_failures(changed)
    if changed != text:
        replace_file(path, (changed,))


def _with_failures(text: str) -> str:
    root = ElementTree.fromstring(text)
    for suite in root.iter("testsuite"):
        turned = 0
        for case in suite.iter("testcase"):
            skipped = case.find("skipped")
            if skipped is not None and str(skipped.get("message", "")).startswith(_PREFIX):
                skipped.tag = "failure"
                skipped.set("type", "prodcheck.insufficient")
                turned += 1
        suite.set("skipped", str(int(suite.get("skipped", "0")) - turned))
        suite.set("failures", str(int(suite.get("failures", "0")) + turned))
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)
