"""JUnit comes from pytest itself; afterwards its file is scrubbed, what was not proven is a failure in it, and what is
new since the baseline is among its properties."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.report.verdict_json import replace_file

_PREFIX = "insufficient: "


def finish(path: Path, scrub: Callable[[str], str], policy: str, result: RunResult | None = None) -> None:
    """Finishes pytest's JUnit file; does nothing where there is none. `policy` is the environment's `insufficient`;
    `result` brings the properties `prodcheck.since` of a case and `prodcheck.new`, `.known`, `.fixed` of the suite."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    changed = scrub(text)
    if policy == "fail" and _PREFIX in changed:
        changed = _with_failures(changed)
    if result is not None and result.baseline is not None:
        changed = _with_baseline(changed, result, result.baseline)
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


_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 has no place for (§2.2)."""


def _with_baseline(text: str, result: RunResult, baseline: Mapping[str, Any]) -> str:
    root = ElementTree.fromstring(text)
    since = {_case(check.id): check.since for check in result.checks if check.since}
    for suite in root.iter("testsuite"):
        _add(suite, "prodcheck.baseline", baseline["started_at"])
        _add(suite, "prodcheck.new", baseline["new"])
        _add(suite, "prodcheck.known", baseline["known"])
        _add(suite, "prodcheck.fixed", len(baseline["fixed"]))
        for row in baseline["fixed"]:
            _add(suite, "prodcheck.fixed.finding", f"{row['code']} on {row['target']} {row['subject']}")
        for case in suite.iter("testcase"):
            if word := since.get((str(case.get("classname")), str(case.get("name")))):
                _add(case, "prodcheck.since", word)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _case(identifier: str) -> tuple[str, str]:
    """`classname` and `name` that pytest's JUnit gives an item (`_pytest.junitxml.mangle_test_address`)."""
    path, bracket, parameters = identifier.partition("[")
    names = path.split("::")
    names[0] = names[0].replace("/", ".").removesuffix(".py")
    names[-1] += bracket + parameters
    return ".".join(names[:-1]), names[-1]


def _add(element: ElementTree.Element, name: str, value: object) -> None:
    """One property; `properties` is an element's first child."""
    properties = element.find("properties")
    if properties is None:
        properties = ElementTree.Element("properties")
        element.insert(0, properties)
    ElementTree.SubElement(properties, "property", name=name, value=_FORBIDDEN.sub("", str(value)))
