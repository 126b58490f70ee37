"""What a test does beside its body's plain end: subtests, a returned value, a teardown, an answer no judge foresaw."""

from __future__ import annotations

from textwrap import indent

import pytest
from small_system import Answer

SUBTESTS = """
def test_parts(subtests):
    with subtests.test("a"):
        assert False, "part a is wrong"
    with subtests.test("b"):
        pass
"""
UNITTEST = """
import unittest

class TestParts(unittest.TestCase):
    def test_parts(self):
        for n in range(2):
            with self.subTest(n=n):
                self.assertEqual(n, 1, "part a is wrong")
"""
TEARDOWN = """
import pytest

@pytest.fixture(scope="{scope}")
def after(prodcheck_http):
    yield
    prodcheck_http.get("/broken")

def test_nothing(prodcheck_http, after):
    pass
"""


@pytest.mark.parametrize("text", [SUBTESTS, UNITTEST], ids=["fixture", "unittest"])
@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["alone", "workers"])
def test_failed_subtest(gate, text, more):
    """A failed subtest fails its test: it is no attempt that a retry made good."""
    gate.file("test_own.py", text)
    gate.run(".", *more).assert_is(1, "fail", "part a is wrong")


def test_passed_subtests(gate):
    """Subtests that all pass leave a pass."""
    gate.file("test_own.py", SUBTESTS.replace("assert False", "assert True"))
    gate.run(".").assert_is(0, "pass")


def test_returned_value(gate):
    """A returned comparison asserts nothing; it fails, also where the warning is switched off."""
    gate.file("test_own.py", 'def test_it(prodcheck_http):\n    return prodcheck_http.get("/").status_code == 404\n')
    gate.run(".", "-W", "ignore").assert_is(1, "fail", "returned a value")


def test_class_with_constructor(gate):
    """A test class that pytest leaves out with a warning is not lost."""
    gate.file("test_own.py", "class TestIt:\n    def __init__(self): pass\n    def test_it(self): assert False\n")
    outcome = gate.run(".")
    assert outcome.status != 0, outcome.text
    outcome.assert_says("TestIt has a constructor")


@pytest.mark.parametrize("scope", ["function", "session"])
def test_server_error_in_teardown(gate, scope):
    """A 5xx that a fixture's teardown got is a finding."""
    gate.system.on("/broken", 500)
    gate.file("test_own.py", TEARDOWN.format(scope=scope))
    gate.run(".").assert_is(1, "fail", "no_server_errors")


def test_judge_that_raises(gate):
    """An exception in a judge fails that check; the others are judged."""
    gate.file(
        "conftest.py",
        "import pytest_prodcheck.gate.judges.http as http\n"
        "def broken(case): raise RecursionError('too deep')\n"
        "http.JUDGES = {**http.JUDGES, 'test_endpoint': broken}\n",
    )
    outcome = gate.run()
    outcome.assert_is(1, "fail", "gate.check.failed", "too deep")
    assert outcome.words == {"test_ready": "pass", "test_endpoint[home]": "fail"}
    assert "INTERNALERROR" not in outcome.text


NEVER_RUN = {
    "unittest": (
        "import unittest\nclass TestIt(unittest.TestCase):\n    async def test_it(self):\n        assert False\n"
    ),
    "forgotten": "async def check():\n    assert False\n\ndef test_it():\n    check()\n",
}


@pytest.mark.parametrize("text", NEVER_RUN.values(), ids=NEVER_RUN)
@pytest.mark.parametrize("options", [(), ("-W", "ignore")], ids=["plain", "warnings-ignored"])
def test_coroutine_that_nobody_awaits(gate, text, options):
    """A coroutine that nobody awaits proves nothing: its test fails, whatever becomes of the warning."""
    gate.file("test_own.py", text)
    gate.run(".", *options).assert_is(1, "fail", r"coroutine \S+ of test_own.py::\S*test_it was never awaited")


RETURNS = {
    "unittest": "import unittest\nclass TestIt(unittest.TestCase):\n    def test_it(self):\n        return {}\n",
    "isolated": (
        "import unittest\nclass TestIt(unittest.IsolatedAsyncioTestCase):\n"
        "    async def test_it(self):\n        return {}\n"
    ),
    "anyio": "import pytest\n@pytest.mark.anyio\nasync def test_it():\n    return {}\n",
}


@pytest.mark.parametrize("text", RETURNS.values(), ids=RETURNS)
def test_value_returned_to_another_runner(gate, text):
    """A value returned to unittest or to a plugin that awaits asserts nothing, either; without one the test passes."""
    gate.file("test_own.py", text.format("False"))
    gate.run(".", "-p", "anyio").assert_is(1, "fail", r"returned a value \(bool\)")
    gate.file("test_own.py", text.format("None"))
    gate.run(".", "-p", "anyio").assert_is(0, "pass")


def test_assertion_that_is_always_true(gate):
    """`assert (value, "text")` asserts that a tuple is not empty: its module is an error."""
    gate.file("test_own.py", "def test_it():\n    assert (False, 'never said')\n")
    outcome = gate.run(".")
    assert (outcome.status, outcome.word) == (2, "fail"), outcome.text
    outcome.assert_says("assertion is always true")


def test_helpers_without_assertions(gate):
    """PYTHONOPTIMIZE takes the assertions out of what tests import: refused where a user's own test would run."""
    gate.file("helper.py", "def check(answer):\n    assert answer.status_code == 201\n")
    gate.file("test_own.py", "import helper\ndef test_it(prodcheck_http):\n    helper.check(prodcheck_http.get('/'))\n")
    optimized = {"PYTHONOPTIMIZE": "1"}
    gate.run(".", env=optimized).assert_is(4, "none", "PYTHONOPTIMIZE", "test_own.py::test_it", "nothing was sent")
    assert gate.sent() == 0
    gate.run(env=optimized).assert_is(0, "pass")


RETRYING = """
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports):
        item._initrequest()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_retry_that_is_not_reported(gate, workers):
    """A plugin that runs a failed test again and reports the last attempt alone (flaky) makes no clean pass of it."""
    gate.system.on("/x", 500, 200)
    gate.file("conftest.py", RETRYING)
    gate.file("test_own.py", "def test_it(prodcheck_http):\n    assert prodcheck_http.get('/x').status_code == 200\n")
    gate.run(".", *workers).assert_is(0, "degraded", "passed only on retry: GET /x answered 500")


FUNCTIONS = "def test_it(self=None):\n    assert False\n\nasync def test_it(self=None):\n    pass\n"
CLASSES = (
    "class TestA:\n    def test_a(self):\n        assert False\n\nclass TestA:\n    def test_b(self):\n        pass\n"
)
REPLACED = {
    "function": (FUNCTIONS, "test_it is defined twice, in line 1 and in line 4"),
    "method": (
        "class TestA:\n" + indent(FUNCTIONS, "    "),
        "test_it is defined twice, in line 2 and in line 5",
    ),
    "class": (CLASSES, "TestA is defined twice, in line 1 and in line 5"),
}


@pytest.mark.parametrize(("text", "says"), REPLACED.values(), ids=REPLACED)
def test_test_that_another_replaces(gate, text, says):
    """Of two tests with one name Python keeps the last: the first would be lost without a word."""
    gate.file("test_own.py", text)
    outcome = gate.run(".")
    assert outcome.status != 0, outcome.text
    outcome.assert_says(says)


def test_test_that_is_defined_for_each_platform(gate):
    """Two definitions in the arms of an `if` are one test."""
    gate.file("test_own.py", "import os\nif os.name:\n    def test_it(): ...\nelse:\n    def test_it(): ...\n")
    gate.run(".").assert_is(0, "pass")


def test_assertion_that_is_always_true_and_compiled_before(gate):
    """The warning comes when a module is compiled, once: neither a cached module nor `-W ignore` makes it green."""
    gate.file("test_own.py", "def test_it():\n    assert (False, 'never said')\n")
    gate.pytest("test_own.py")
    for options in ((), ("-W", "ignore")):
        outcome = gate.run(".", *options)
        assert outcome.status != 0, outcome.text
        outcome.assert_says("always true")


@pytest.mark.parametrize("text", ["assert body['status'] == 'ok'", "import warnings; warnings.warn(body['status'])"])
def test_half_a_character_of_a_target(gate, text):
    """What UTF-8 cannot write, and JSON can spell, ends no worker."""
    gate.system.on("/x", Answer(body='{"status": "\\ud800"}', headers={"content-type": "application/json"}))
    gate.file("test_own.py", f"def test_it(prodcheck_http):\n    body = prodcheck_http.get('/x').json()\n    {text}\n")
    outcome = gate.run(".", "-n", "2")
    status = 1 if "assert" in text else 0
    outcome.assert_is(status, "fail" if status else "pass", r"ud800")
    assert "INTERNALERROR" not in outcome.text
