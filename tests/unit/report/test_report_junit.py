"""JUnit: pytest's own file, scrubbed, in which an unproven promise is a failure where the policy says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pytest_prodcheck.report import junit

TESTS = """
import pytest

def test_good():
    pass

def test_unproven():
    pytest.skip("insufficient: 20 of 59 requests & <more>")

def test_skipped():
    pytest.skip("not today")
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file that pytest writes."""
    folder = tmp_path_factory.mktemp("junit")
    (folder / "test_them.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=out.xml"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return (folder / "out.xml").read_text(encoding="utf-8")


def unchanged(text: str) -> str:
    """Scrubs nothing."""
    return text


def counted(path: Path) -> tuple[int, int, list[str]]:
    """Failures and skips as the suite counts them, and the names of the failed."""
    (suite,) = ElementTree.parse(path).getroot().iter("testsuite")
    failed = [case.get("name", "") for case in suite.iter("testcase") if case.find("failure") is not None]
    return int(suite.get("failures", 0)), int(suite.get("skipped", 0)), failed


@pytest.mark.parametrize(("policy", "expected"), [("fail", (1, 1, ["test_unproven"])), ("warn", (0, 2, []))])
def test_unproven_is_a_failure_where_the_policy_says_so(
    original: str, tmp_path: Path, policy: str, expected: tuple[int, int, list[str]]
) -> None:
    """A dashboard that reads JUnit must not show an unproven promise as a skip; other skips stay."""
    path = tmp_path / "out.xml"
    path.write_text(original, encoding="utf-8")
    junit.finish(path, unchanged, policy)
    assert counted(path) == expected


def test_secrets_are_scrubbed(original: str, tmp_path: Path) -> None:
    """What pytest captured is scrubbed once more, in the finished file."""
    path = tmp_path / "out.xml"
    path.write_text(original.replace("not today", "token-of-staging"), encoding="utf-8")
    junit.finish(path, lambda text: text.replace("token-of-staging", "***"), "warn")
    assert "token-of-staging" not in path.read_text(encoding="utf-8")
    assert counted(path) == (0, 2, [])


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    """A run that ended before pytest wrote its file leaves nothing to finish."""
    junit.finish(tmp_path / "out.xml", unchanged, "fail")
    assert list(tmp_path.iterdir()) == []
