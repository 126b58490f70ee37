"""Causes in the run itself: configuration, runner, sampling, gate."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "config.secret.unresolved",
        "a secret reference gives nothing",
        "{reference} gives nothing",
        "set the variable or the file where the gate runs",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "config.accepted.expired",
        "an accepted finding is past its end",
        "the acceptance of {subject} expired",
        "fix the finding, or renew the acceptance with its reason",
        "prodcheck doctor ENV --offline",
    ),
    CauseKind(
        "runner.network.down",
        "the runner itself cannot reach unrelated hosts",
        "the runner reaches none of several unrelated hosts: its own network",
        "check the runner; this says nothing about the environment",
        "ip route",
    ),
    CauseKind(
        "runner.dns.broken",
        "the runner's resolver answers nothing for any name",
        "the runner's resolver answers for no name",
        "check the runner's resolver; this says nothing about the environment",
        "cat /etc/resolv.conf",
    ),
    CauseKind(
        "runner.clock.skewed",
        "the runner's clock differs from the servers' Date",
        "the runner's clock differs from the servers' by {seen}",
        "NTP on the runner",
        "date -u",
    ),
    CauseKind(
        "runner.token.expired",
        "the test credential expired, the target is fine",
        "the token of {user} expired; the services are not to blame",
        "get a new token",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "runner.proxy.in_path",
        "a proxy or captive portal answers for the target",
        "a proxy or captive portal answers for the targets",
        "check the runner's network and proxy variables",
        "env | grep -i proxy",
    ),
    CauseKind(
        "sampling.insufficient",
        "too few samples to prove or refute a limit",
        "too few samples to decide {subject}: {seen}, needed {expected}",
        "raise requests.at_most or the deadline",
        "pytest --prodcheck=ENV --prodcheck-plan",
    ),
    CauseKind(
        "gate.check.skipped",
        "a check was skipped by a foreign hook or mark",
        "the check was skipped by something that is not ours",
        "take the skip away",
        "pytest --prodcheck=ENV -rs",
    ),
    CauseKind(
        "gate.check.deselected",
        "a check was deselected by addopts or a foreign hook",
        "the check was deselected by something that is not the command line",
        "take it out of addopts or the hook",
        "pytest --prodcheck=ENV --collect-only",
    ),
    CauseKind(
        "gate.check.not_executed",
        "a check was collected and never ran",
        "the check was collected and never ran",
        "look at other plugins and hooks",
        "pytest --prodcheck=ENV -p no:cacheprovider",
    ),
    CauseKind(
        "gate.check.failed",
        "a check failed by its own assertion",
        "{subject} failed by its own assertion",
        "read the assertion",
        "pytest --prodcheck=ENV -x",
    ),
    CauseKind(
        "gate.check.error",
        "a check failed by an error of its own",
        "{subject} failed by an error of its own",
        "read the traceback",
        "pytest --prodcheck=ENV -x",
    ),
    CauseKind(
        "gate.worker.died",
        "an xdist worker died or lost a report",
        "an xdist worker died or lost a report",
        "run without -n; look at the host's memory",
        "pytest --prodcheck=ENV -n 0",
    ),
    CauseKind(
        "gate.run.interrupted",
        "the run was interrupted",
        "the run was cut short",
        "run it again",
        "pytest --prodcheck=ENV",
    ),
    CauseKind(
        "gate.run.deadline",
        "the deadline of the run passed",
        "the deadline of the run passed",
        "raise `deadline`, or look at what hangs",
        "pytest --prodcheck=ENV --prodcheck-plan",
    ),
    CauseKind(
        "gate.probe.failed",
        "our own failure while asking",
        "the gate itself failed while asking {target}",
        "report it with the traceback",
        "pytest --prodcheck=ENV -x",
    ),
    CauseKind(
        "unknown",
        "no rule fits; say what was seen, name no cause",
        "{operation} answers {status}, expected {expected}; no cause known",
        "repeat the request and look at the application's log",
        "curl -si {url}",
    ),
)
