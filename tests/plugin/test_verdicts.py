"""From findings to a verdict: blocked, accepted, warnings, rates, retries, and which of several words wins."""

from __future__ import annotations

import datetime

import pytest
from small_system import Answer

TODAY = datetime.datetime.now(datetime.UTC).date()
DEAD = '[env.staging.database]\ndsn = "postgresql://reader@127.0.0.1:9/x"\ntables = ["goals"]\n{more}\n'


def accepted(until: datetime.date, code: str = "http.application.unhandled_exception") -> str:
    """An `accepted` entry for the http target."""
    return f'[[env.staging.accepted]]\ncode = "{code}"\non = "http"\nreason = "PLAN-1"\nuntil = {until}\n'


@pytest.fixture
def broken(gate):
    """A gate with one good endpoint and one that answers 500."""

    def configure(head: str = "", more: str = "", b: str = 'path = "/b"') -> None:
        gate.config(endpoints=f'home = "/"\nb = {{ {b} }}\n', head=head, more=more)

    configure()
    gate.system.on("/b", 500)
    gate.configure = configure
    return gate


def code_of(gate) -> str:
    """The cause code of the only finding."""
    return gate.run().findings[0]["code"]


def test_one_finding_for_one_server_error(broken):
    """A 5xx of an endpoint is that endpoint's finding; the host is ready all the same."""
    outcome = broken.run()
    outcome.assert_is(1, "fail")
    assert outcome.words == {"test_ready": "pass", "test_endpoint[home]": "pass", "test_endpoint[b]": "fail"}


def test_accepted_finding(broken):
    """An accepted finding does not fail; it is listed with its reason and its end."""
    code = code_of(broken)
    broken.configure(accepted(TODAY, code))
    outcome = broken.run()
    outcome.assert_is(0, "pass")
    assert [(row["reason"], row["until"]) for row in outcome.verdict["accepted"]] == [("PLAN-1", TODAY.isoformat())]


def test_expired_acceptance(broken):
    """An expired acceptance that is still needed is red, and so is its finding."""
    code = code_of(broken)
    broken.configure(accepted(TODAY - datetime.timedelta(days=1), code))
    broken.run().assert_is(1, "fail", "config.accepted.expired", "PLAN-1")


def test_unused_acceptance(broken):
    """An acceptance that matches nothing is a warning: degraded."""
    broken.system.on("/b", 200)
    broken.configure(accepted(TODAY, "http.tls.expired"))
    broken.run().assert_is(0, "degraded", "matches no finding any more: remove the entry")


def test_acceptance_of_what_was_not_looked_at(broken):
    """An acceptance whose check was left out, or blocked, is not called unused."""
    broken.configure(accepted(TODAY, code_of(broken)))
    broken.run("-k", "home").assert_is(0, "pass")
    broken.config('[env.staging.http]\nurl = "http://127.0.0.1:9"\nendpoints.b = "/b"\n' + accepted(TODAY))
    assert not [row for row in broken.run().findings if row["code"] == "config.accepted.unused"]


def test_acceptance_without_end(broken):
    """An acceptance for longer than 90 days is exit 4."""
    broken.configure(accepted(TODAY + datetime.timedelta(days=91)))
    broken.run().assert_is(4, "none", "90 days")


@pytest.mark.parametrize(
    ("more", "b"),
    [("", 'path = "/b", severity = "warning"'), ("required = false", 'path = "/b"')],
    ids=["warning", "optional"],
)
def test_warnings(broken, more, b):
    """`severity = "warning"` and `required = false` make the run degraded, never red."""
    broken.configure(more=more, b=b)
    broken.run().assert_is(0, "degraded", "500")


@pytest.mark.parametrize("limit", ["", 'latency = "p95 < 5s"'], ids=["plain", "sampled"])
def test_server_error_to_the_first_request(gate, limit):
    """A 5xx that an endpoint gave to readiness, the run's first request, is said where its own answer is right."""
    gate.system.on("/cold", 500, "ok")
    gate.config(f'[env.staging.http]\nurl = "URL"\n[env.staging.http.endpoints.cold]\npath = "/cold"\n{limit}\n')
    gate.run().assert_is(0, "degraded", "GET /cold: passed only on retry 1: first 500")


def test_degraded_as_failure(broken):
    """`degraded = "fail"` makes a warning exit 1."""
    head = '[env.staging]\ndegraded = "fail"\n[env.staging.http]\nurl = "URL"\n'
    broken.config(head + 'endpoints.b = { path = "/b", severity = "warning" }\n')
    broken.run().assert_is(1, "degraded")


def test_optional_target_that_is_down(gate):
    """A target with `required = false` that is down degrades the run."""
    gate.config(head=DEAD.format(more="required = false"))
    outcome = gate.run()
    outcome.assert_is(0, "degraded")
    assert outcome.words["test_endpoint[home]"] == "pass"


def test_blocked_checks(gate):
    """A target that is not ready fails once; what needs it is blocked by that cause, what does not is judged."""
    gate.config(head=DEAD.format(more=""))
    gate.file(
        "checks/test_own.py", "import pytest\n@pytest.mark.needs('database')\ndef test_own(prodcheck_http): ...\n"
    )
    outcome = gate.run("prodcheck.toml", "checks")
    outcome.assert_is(1, "fail", "database.tcp.refused")
    assert outcome.words == {
        "test_ready": "fail",
        "test_endpoint[home]": "pass",
        "test_tables": "blocked",
        "test_own": "blocked",
    }
    blocked = outcome.checks["prodcheck.toml::database::test_tables"]
    assert (blocked["blocked_by"], blocked["findings"]) == ("database.tcp.refused", [])


def test_readiness_that_was_deselected(gate):
    """Where the readiness item was deselected, a failed report is added: blocked checks never stand alone."""
    gate.config(head=DEAD.format(more=""))
    outcome = gate.run("-k", "tables")
    outcome.assert_is(1, "fail", "partial")
    assert outcome.words == {"test_tables": "blocked", "test_ready": "fail"}


def test_left_out_target_blocks_nothing(gate):
    """A target that --prodcheck-only leaves out blocks nothing."""
    gate.config(head=DEAD.format(more=""))
    gate.run("--prodcheck-only=http").assert_is(0, "pass", "partial")


@pytest.mark.parametrize("policy", ["fail", "warn"])
def test_too_many_requests(gate, policy):
    """A 429 backs off by Retry-After; what stays undecided is insufficient, caused by us, never a failure."""
    head = f'[env.staging]\ninsufficient = "{policy}"\n[env.staging.http]\nurl = "URL"\n'
    gate.config(head + 'endpoints.home = "/"\nendpoints.b = "/b"\n')
    gate.system.on("/b", Answer(429, "slow down", {"Retry-After": "0"}))
    outcome = gate.run()
    outcome.assert_is(*((6, "insufficient") if policy == "fail" else (0, "degraded")), "http.rate_limited.by_us")


def test_retries_of_an_endpoint(gate):
    """A declared retry that helps is degraded; every attempt is counted."""
    gate.config(endpoints='b = { path = "/b", retries = 2 }\n')
    gate.system.on("/b", "ok", 503, "ok")
    gate.run().assert_is(0, "degraded", "passed only on retry")


def test_failure_wins_over_insufficient(gate):
    """Fail is stronger than insufficient."""
    gate.config(endpoints='home = "/"\nb = "/b"\nc = "/c"\n')
    gate.system.on("/b", Answer(429, "slow down", {"Retry-After": "0"}))
    gate.system.on("/c", 500)
    gate.run().assert_is(1, "fail")


def test_usage_wins_over_everything(gate):
    """A usage error is stronger than a failure that would come."""
    gate.system.on("/", 500)
    gate.file("checks/test_own.py", "import pytest\n@pytest.mark.latency()\ndef test_own(prodcheck_http): ...\n")
    gate.run("prodcheck.toml", "checks").assert_is(4, "none")
    assert gate.sent() == 0


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_deadline_of_a_test_that_hangs(gate, workers):
    """A user's test that hangs by itself is ended by the run's deadline; the verdict is there."""
    gate.file("checks/test_own.py", "import time\ndef test_own(prodcheck_http):\n    time.sleep(60)\n")
    outcome = gate.run("--prodcheck-deadline=12s", "checks", *workers, timeout=60)
    outcome.assert_is(1, "fail", "run deadline reached: 0 of 1 checks executed")


def test_rerun_sends_fresh_probes(gate):
    """A rerun asks again; a rerun that fails again stays red."""
    gate.config(endpoints='b = "/b"\n')
    gate.system.on("/b", 500)
    gate.run("--reruns", "2").assert_is(1, "fail")
    assert gate.system.count("GET /b") == 1 + 3


def test_no_check_at_all(gate):
    """An environment whose targets promise nothing that can be checked is never green."""
    gate.config('[env.staging.http]\nurl = "URL"\n')
    outcome = gate.run("--prodcheck-only=http", "-k", "nothing")
    outcome.assert_is(5, "fail")


def test_deadline_of_a_test_that_hears_no_signal(gate):
    """A test stuck in C code is ended all the same, soon after the deadline: exit 1, and nothing is proven."""
    gate.file(
        "checks/test_own.py",
        "import ctypes\n"
        "def test_own():\n    lock = ctypes.create_string_buffer(64)\n"
        "    for _ in range(2):\n        ctypes.CDLL(None).pthread_mutex_lock(lock)\n",
    )
    outcome = gate.run("--prodcheck-deadline=2s", "checks", timeout=60)
    assert (outcome.status, outcome.word) == (1, "none")
    assert "in test_own" in outcome.text


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_deadline_shorter_than_a_timeout(gate, workers):
    """A target that hangs is the cause, and blocks its checks, also where the run ends before the target's timeout."""
    gate.config(endpoints='a = "/a"\nb = "/b"\n')
    for path in ("/a", "/b"):
        gate.system.on(path, Answer(never=True))
    outcome = gate.run("--prodcheck-deadline=15s", *workers, timeout=60)
    outcome.assert_is(1, "fail", r"the run.s deadline leaves \S+ for an answer of http")
    assert [cause["code"] for cause in outcome.verdict["causes"]] == ["http.application.hangs"]
    assert outcome.words["test_endpoint[a]"] == outcome.words["test_endpoint[b]"] == "blocked"


def test_deadline_before_an_answer(gate):
    """What the run's deadline cut off is one cause, without a traceback of the gate's."""
    gate.config(endpoints='ok = "/"\n' + "".join(f's{n} = {{ path = "/s{n}", timeout = "30s" }}\n' for n in range(3)))
    for number in range(3):
        gate.system.on(f"/s{number}", Answer(never=True))
    outcome = gate.run("--prodcheck-deadline=6s", timeout=40)
    outcome.assert_is(1, "fail", "run deadline reached")
    assert [cause["code"] for cause in outcome.verdict["causes"]] == ["gate.run.deadline"]
    assert "pool.py" not in outcome.text


def test_next_command_of_a_header_finding(gate):
    """The command asks for the answer whose header is wrong, not for the first that was looked at."""
    safe = {"X-Content-Type-Options": "nosniff"}
    gate.config(more='security_headers = "owasp"', endpoints='home = "/"\nold = "/old"')
    gate.system.on("/", Answer(200, "ok", safe))
    gate.system.on("/old", Answer(200, "ok"))
    codes = {cause["code"]: cause["next"] for cause in gate.run().verdict["causes"]}
    assert codes["http.headers.content_type_options_missing"].endswith("/old")


OWN_LIMIT = """
import pytest

@pytest.mark.error_rate("< 10%")
def test_own(prodcheck_http):
    prodcheck_http.sample("/")
"""


@pytest.mark.parametrize("paths", [(), ("checks", "prodcheck.toml")])
def test_requests_used_up(gate, paths):
    """Where the cap per host ends the samples, the cause is the cap, not the run's deadline; the planned limit comes
    first and is proven, also where a test's own begins to sample before it."""
    gate.system.on("/", Answer(delay=0.3), "ok")
    gate.file("checks/test_own.py", OWN_LIMIT)
    gate.config(
        '[prodcheck]\nsuites = ["checks"]\n[env.staging]\nrequests = { at_most = 40 }\n'
        '[env.staging.http]\nurl = "URL"\nerror_rate = "< 10%"\nendpoints.home = "/"\n'
    )
    outcome = gate.run(*paths)
    causes = outcome.verdict["causes"]
    assert [cause["code"] for cause in causes] == ["sampling.requests.used_up"], outcome.text
    assert causes[0]["explains"] == ["checks/test_own.py::test_own"]
    outcome.assert_says("requests.at_most")
