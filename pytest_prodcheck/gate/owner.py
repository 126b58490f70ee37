"""The owner: the one part of a run that sends. It holds pool, caps, tokens, snapshots and sampling.

It starts when the selection is known, observes the readiness of every configured target, sends the probes of all
selected checks ahead, and answers whoever asks for the evidence of a check: a test in this process, or a worker's.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_prodcheck.config.models import Environment, Revision
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.errors import NotReady, ProdcheckError
from pytest_prodcheck.gate.plan import Check, Plan
from pytest_prodcheck.gate.probers import Probers
from pytest_prodcheck.gate.settling import Settling
from pytest_prodcheck.gate.standings import Standings
from pytest_prodcheck.observe import watch
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import USED_UP, Observation
from pytest_prodcheck.observe.pool import Pending, ProbePool
from pytest_prodcheck.observe.request import HttpRequest

if TYPE_CHECKING:
    from pytest_prodcheck.gate.loading import Loading
    from pytest_prodcheck.gate.sampling import Sampler
    from pytest_prodcheck.observe.catalog import Catalog
    from pytest_prodcheck.observe.log import Digest

Answer = TypeVar("Answer")
_ASKED = ("send", "query", "command")
"""What a test may ask of a prober; each judges what it is given as a test's own."""
_COORDINATORS = 64
"""Threads that wait for others (a whole target's limit, an adaptive sample); they send nothing themselves."""


class Owner:
    """Sends all probes of one run and keeps all observations. Public methods may be called from many threads."""

    def __init__(
        self,
        environment: Environment,
        plan: Plan,
        probers: Probers,
        redactor: Redactor,
        deadline: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`deadline` is on the monotonic clock; `environment` has its references resolved."""
        self.environment, self.plan, self.redactor = environment, plan, redactor
        self._probers, self.deadline = probers, deadline
        self._pool = ProbePool()
        self._selected: frozenset[str] = frozenset()
        self._evidence: dict[tuple[str, int], Pending[Evidence] | Evidence] = {}
        """What each attempt of a check gave; a future until somebody has waited for it."""
        self._samplers: dict[str, Sampler] = {}
        self._lock = threading.RLock()
        self.settling = Settling(environment, probers, deadline)
        self.standings = Standings(probers, self._pool, self._kept, deadline, clock, self.settling)
        self.loading: Loading | None = None
        """What runs load scenarios; None until one is asked for."""
        self.observations: list[Observation] = []
        self.fixtures: dict[str, list[Observation]] = {}
        """Node id → what its test sent through fixtures."""
        self.began_at = 0.0
        self.running: dict[str, str] = {}
        """Worker → the check it is running; for the message about a worker that died."""

    # --- the run ---------------------------------------------------------------------------------------------------

    def begin(self, selected: Collection[str]) -> None:
        """Observes readiness of every configured target and sends the probes of the selected checks ahead."""
        self.began_at = time.monotonic()
        self._selected = frozenset(selected)
        for target in self._probers.targets:
            self.standings.look(target)
        self._pool.submit("conductor", 1, self._send_ahead)

    def stop(self) -> None:
        """Sends nothing more; whoever still waits gets DeadlinePassed."""
        self.settling.stop()
        self._pool.stop()
        if self.loading:
            self.loading.stop("the run was stopped")
        self._probers.stop()

    def close(self) -> None:
        """Closes connections; nothing is asked afterwards."""
        self.stop()
        self._pool.end()
        if self.loading:
            self.loading.close()
        self._probers.close()

    @property
    def sent(self) -> Mapping[str, int]:
        """How much was sent, by kind, for the verdict."""
        loaded = {"load": self.loading.sent} if self.loading else {}
        return {**self._probers.sent, **loaded}

    @property
    def probing_s(self) -> float:
        """Seconds from the first probe until now."""
        return time.monotonic() - self.began_at

    @property
    def progress(self) -> str:
        """How far the run is, in a line: checks observed, samples seen of those needed now, seconds."""
        if waiting := self.settling.said or (self.loading.said if self.loading else ""):
            return waiting
        seen = sum(isinstance(known, Evidence) or known.done for known in list(self._evidence.values()))
        text = f"{seen} of {len(self._selected)} checks observed, {self.probing_s:.0f} s"
        under_way = [sampler for sampler in list(self._samplers.values()) if sampler.seen < sampler.needed]
        if under_way:
            counted, needed = (sum(getattr(sampler, name) for sampler in under_way) for name in ("seen", "needed"))
            text += f", {counted} of {needed} samples for limits"
        return text

    # --- what tests ask --------------------------------------------------------------------------------------------

    def observe(self, identifier: str, attempt: int) -> Evidence:
        """The evidence of a planned check; a later attempt sends fresh probes, but never a write again."""
        with self._lock:
            key = (identifier, 1 if self._writes(identifier) else attempt)
            if key not in self._evidence:
                self._evidence[key] = self._submit(self.plan.checks[identifier], attempt)
            known = self._evidence[key]
        if isinstance(known, Evidence):
            return known
        evidence = self._wait(known)
        self._evidence[key] = evidence
        return evidence

    def _writes(self, identifier: str) -> bool:
        check = self.plan.checks[identifier]
        if check.function == "test_round_trip":
            return True
        table = self.environment.targets[check.target]
        if check.function in ("test_step", "test_close"):
            return any(step.writes for step in getattr(table, "steps", ()))
        endpoint = getattr(table, "endpoints", {}).get(check.subject)
        return endpoint is not None and endpoint.writes

    def note(self, nodeid: str, observation: Observation) -> None:
        """Keeps what a test did through a fixture."""
        with self._lock:
            self.observations.append(observation)
            self.fixtures.setdefault(nodeid, []).append(observation)

    def ask(self, target: str, method: str, *arguments: Any) -> Any:
        """A fixture's own question to a target's prober, bounded by the deadline. Raises LookupError for a method that
        would not judge it as a test's own: a declared write is sent by its check alone."""
        if method not in _ASKED:
            raise LookupError(f"a test cannot ask {target} to {method}")
        if target == "load":
            return dict(self.loading.runs) if self.loading else {}
        prober = self._probers.of(target)
        return self._wait(self._pool.submit(f"fixture:{target}", 32, lambda: getattr(prober, method)(*arguments)))

    def sample(self, nodeid: str, target: str, request: HttpRequest, limits: tuple[str, ...]) -> list[Observation]:
        """Repeats a test's own request until `limits` are decided; the observations belong to the test."""
        prober = self._probers.of(target)
        self._limits_first(target)
        first = self._wait(self._pool.submit(prober.lane, prober.width, lambda: prober.send(request)))
        sampler = self._sampler(target, limits)
        repeated = replace(request, kind="sample")
        observations = [first, *sampler.run([lambda: prober.send(repeated)], [first])]
        for observation in observations:
            self.note(nodeid, observation)
        return observations

    def _limits_first(self, target: str) -> None:
        """Waits for the planned limits of a target: two that sample at once would each leave the other without the rest
        of `requests.at_most`, and both unproven."""
        for check in self.plan.checks.values():
            if check.target == target and check.id in self._selected and (check.last or _samples(check)):
                with contextlib.suppress(ProdcheckError):  # of that check, which says it itself
                    self.observe(check.id, 1)

    # --- what the ending asks ----------------------------------------------------------------------------------------

    @property
    def targets(self) -> Collection[str]:
        """Ids of the targets that take part."""
        return self._probers.targets

    def seen(self, identifier: str) -> list[Observation]:
        """What was observed for a check, planned or a user's own, in all attempts."""
        found: list[Observation] = []
        attempt = 1
        while known := self._evidence.get((identifier, attempt)):
            found += _settled_evidence(known).observations
            attempt += 1
        return found + self.fixtures.get(identifier, [])

    @property
    def catalogs(self) -> Mapping[str, Catalog]:
        """What each database that could be read holds, by target."""
        standings = {target: self.standings.seen(target) for target in self.targets}
        found = {name: one.evidence.facts.get("catalog") for name, one in standings.items() if one}
        return {name: catalog for name, catalog in found.items() if catalog is not None}

    @property
    def digests(self) -> Mapping[str, Digest]:
        """What was read of each target's logs, at first."""
        found: dict[str, Digest] = {}
        for (identifier, attempt), known in list(self._evidence.items()):
            check = self.plan.checks.get(identifier)
            if check is not None and check.suite == "logs" and attempt == 1 and check.target not in found:
                digest = _settled_evidence(known).facts.get("digest")
                found |= {check.target: digest} if digest is not None else {}
        return found

    @property
    def revision_facts(self) -> Mapping[str, Any]:
        """What serves, as the revision check saw it."""
        known = [known for (name, _), known in list(self._evidence.items()) if "::test_revision" in name]
        return _settled_evidence(known[0]).facts if known else {}

    # --- how it is sent --------------------------------------------------------------------------------------------

    def _send_ahead(self) -> None:
        chosen = [(identifier, check) for identifier, check in self.plan.checks.items() if identifier in self._selected]
        for identifier, check in sorted(chosen, key=lambda row: (row[1].last, bool(row[1].user))):
            with self._lock:
                if (identifier, 1) not in self._evidence:
                    self._evidence[(identifier, 1)] = self._submit(check, 1)

    def _submit(self, check: Check, attempt: int) -> Pending[Evidence]:
        prober = self._probers.of(check.target)
        late = check.last or check.afterwards or check.suite == "load"
        if late or _samples(check) or check.function in ("test_ready", "test_revision"):
            return self._pool.submit("coordinator", _COORDINATORS, lambda: self._coordinate(check, attempt))
        return self._pool.submit(prober.lane, prober.width, lambda: self._probe(check, attempt))

    def _probe(self, check: Check, attempt: int) -> Evidence:
        if self.standings.blocker(check.needs) is not None:
            return Evidence()
        prober = self._probers.of(check.target)
        if check.function == "test_certificate":
            return self.standings.of(check.target).evidence
        if check.function == "test_jwks":
            return self.standings.of(f"jwks:{check.target}").evidence
        if check.function == "test_token":
            return self.standings.of(f"user:{check.subject}").evidence
        if check.function == "test_rls_proof":
            self._know_users(check.target)
        evidence = prober.probe(check.function, check.subject, check.user, attempt)
        if check.function == "test_signature":
            evidence = replace(
                evidence, facts={**evidence.facts, **self.standings.of(f"jwks:{check.target}").evidence.facts}
            )
        if check.function == "test_endpoint" and (broken := self._broken_before(check)):
            evidence = replace(evidence, facts={**evidence.facts, "broken_before": broken})
        return self._kept(evidence)

    def _know_users(self, target: str) -> None:
        """Waits for the tokens of all whose rows a proof tells apart; one that cannot be had is not needed."""
        for user in self.environment.targets[target].rls.sees:  # type: ignore[union-attr]
            if user in self.environment.users:
                self.standings.of(f"user:{user}")

    def _broken_before(self, check: Check) -> tuple[str, ...]:
        """What readiness was answered by the same endpoint where that was a 5xx that it does not declare: the first
        request to it was another one, and no other check would say so."""
        endpoint = self.environment.targets[check.target].endpoints[check.subject]  # type: ignore[union-attr]
        if endpoint.as_ or endpoint.headers or endpoint.query:
            return ()
        asked = f"{endpoint.method} {endpoint.path}"
        return tuple(
            str(seen.status)
            for seen in self.standings.of(check.target).evidence.observations
            if seen.operation == asked and seen.server_error and seen.status not in endpoint.status
        )

    def _coordinate(self, check: Check, attempt: int) -> Evidence:
        if check.function == "test_ready":
            return self.standings.of(check.target).evidence
        if self.standings.blocker(check.needs) is not None:
            return Evidence()
        if check.function == "test_revision":
            return self._kept(self._settled(check))
        if check.afterwards:
            return self._look_back(check, attempt)
        if check.suite == "load":
            return self._load(check)
        return self._limit_of_target(check) if check.last else self._limit_of_check(check, attempt)

    def _load(self, check: Check) -> Evidence:
        """Load is sent when everything but what looks back was asked: it would spoil what others measure."""
        for other in self.plan.checks.values():
            if not other.afterwards and other.suite != "load" and other.id in self._selected:
                with contextlib.suppress(ProdcheckError):  # of that check, which says it itself
                    self.observe(other.id, 1)
        with self._lock:
            if self.loading is None:
                from pytest_prodcheck.gate.loading import Loading

                self.loading = Loading(
                    self.environment, self._probers, self.redactor, self.standings.of, self.deadline, self._keep
                )
        if not check.last:
            return Evidence((), {"run": self.loading.run(check.subject)})
        mates = [mate for mate in self.plan.checks.values() if mate.suite == "load" and not mate.last]
        chosen = [mate.subject for mate in mates if mate.id in self._selected]
        runs = tuple(self.loading.run(name) for name in chosen)
        return Evidence((), {"runs": runs, "glances": watch.glances(list(self.observations))})

    def _keep(self, observation: Observation) -> None:
        """Keeps what was seen of a target while load ran."""
        with self._lock:
            self.observations.append(observation)

    def _look_back(self, check: Check, attempt: int) -> Evidence:
        """Counters of the run and logs are read when everything else was asked, logs last: they tell of it, and what it
        caused is told from the rest."""
        for other in self.plan.checks.values():
            before = not other.afterwards or (check.suite == "logs" and other.suite != "logs")
            if before and other.id in self._selected:
                with contextlib.suppress(ProdcheckError):  # of that check, which says it itself
                    self.observe(other.id, 1)
        prober = self._probers.of(check.target)
        if check.suite == "logs":
            with self._lock:
                prober.know(tuple(self.observations))
        return self._wait(self._pool.submit(prober.lane, prober.width, lambda: self._probe(check, attempt)))

    def _limit_of_check(self, check: Check, attempt: int) -> Evidence:
        """A check with a rate or a quantile of its own: its declared probe, then as many samples as decide it."""
        prober = self._probers.of(check.target)
        evidence = self._wait(self._pool.submit(prober.lane, prober.width, lambda: self._probe(check, attempt)))
        if not evidence.observations:
            return evidence
        repeat = prober.repeater(check.function, check.subject, check.user)
        if repeat is None or evidence.observations[-1].error:
            return evidence
        sampler = self._sampler(check.target, check.limits)
        self._samplers[check.id] = sampler
        extra = sampler.run([repeat], list(evidence.observations))
        self._kept(Evidence(tuple(extra)))
        return replace(evidence, observations=(*evidence.observations, *extra))

    def _limit_of_target(self, check: Check) -> Evidence:
        """A limit over all requests of a target: everything observed so far, then samples of its repeatable reads."""
        others = [
            other
            for other in self.plan.checks.values()
            if other.target == check.target and not (other.last or other.afterwards) and other.id in self._selected
        ]
        for other in others:
            if other.function != "test_ready":
                self.observe(other.id, 1)
        with self._lock:
            sampler = self._samplers.get(check.target)
            if sampler is None:
                limits = [
                    limit
                    for mate in self.plan.checks.values()
                    if mate.last and mate.target == check.target and mate.id in self._selected
                    for limit in mate.limits
                ]
                sampler = self._sampler(check.target, tuple(limits))
                self._samplers[check.target] = sampler
        seen = [one for one in self.observations if one.target == check.target and one.kind in ("declared", "sample")]
        repeats = self._repeats(check.target, others)
        extra = sampler.run_once(repeats, seen, lambda found: self._kept(Evidence(tuple(found))))
        return Evidence((*seen, *extra), {"samples": len(seen) + len(extra)})

    def _repeats(self, target: str, selected: Sequence[Check]) -> Sequence[Callable[[], Observation]]:
        """The reads that samples repeat: of the selected checks, else of all. A blocked one is not sent: without its
        user's token its answer would say nothing about the target. Raises NotReady where all are."""
        prober, blocker = self._probers.of(target), None
        for checks in (selected, [check for check in self.plan.checks.values() if check.target == target]):
            ready = []
            for check in checks:
                repeat = prober.repeater(check.function, check.subject, check.user)
                standing = self.standings.blocker(check.needs) if repeat is not None else None
                blocker = blocker or standing
                ready += [repeat] if repeat is not None and standing is None else []
            if ready:
                return ready
        if blocker is not None:
            raise NotReady(blocker.name, blocker.message, blocker.cause)
        return list(prober.repeaters())

    def _settled(self, check: Check) -> Evidence:
        """What serves, asked until only the wanted revision does or `settle` is over."""
        from pytest_prodcheck.criteria.revision import serving

        revision = self.environment.revision
        if revision is None:
            return Evidence()
        prober, started = self._probers.of(check.target), time.monotonic()
        if revision.of_cluster:
            return self._rolled_out(check, revision)
        while True:
            observations = tuple(prober.revision(revision))
            seen, waited = serving(observations, revision), time.monotonic() - started
            late = waited >= self.environment.settle or time.monotonic() >= self.deadline
            if not revision.expected or list(seen) == [revision.expected] or late:
                return Evidence(observations, {"serving": list(seen), "waited_s": round(waited, 1)})
            time.sleep(min(1.0, max(0.05, self.environment.settle - waited)))

    def _rolled_out(self, check: Check, revision: Revision) -> Evidence:
        """What serves, by the snapshot that was read when the rollout had settled."""
        from pytest_prodcheck.criteria.cluster import revision as criterion

        cluster = self.standings.of(check.target).evidence.facts["cluster"]
        table: Any = self.environment.targets[check.target]
        facts = {"cluster": cluster, "serving": criterion.serving(cluster, table, revision)}
        return Evidence((), {**facts, "waited_s": round(self.settling.waited, 1)})

    def _kept(self, evidence: Evidence) -> Evidence:
        with self._lock:
            self.observations.extend(evidence.observations)
        return evidence

    def _sampler(self, target: str, limits: tuple[str, ...]) -> Sampler:
        from pytest_prodcheck.gate.sampling import Sampler  # the first readiness goes out before it is loaded

        return Sampler(self.environment, limits, self._parallel(target))

    def _parallel(self, target: str) -> Callable[[list[Callable[[], Observation]]], list[Observation]]:
        """Runs sends side by side in the target's lane and waits for all of them. That the cap left some unsent is
        kept once: no figure counts it, and the diagnosis has to know."""
        prober = self._probers.of(target) if target in self._probers.targets else None
        lane, width = (prober.lane, prober.width) if prober else (target, self.environment.requests.in_flight)

        def run(sends: list[Callable[[], Observation]]) -> list[Observation]:
            answers = [self._wait(future) for future in [self._pool.submit(lane, width, send) for send in sends]]
            unsent = [answer for answer in answers if answer.error == "stopped" and USED_UP in answer.message][:1]
            self._kept(Evidence(tuple(replace(answer, kind="readiness") for answer in unsent)))
            return answers

        return run

    def _wait(self, pending: Pending[Answer]) -> Answer:
        return pending.result(max(0.0, self.deadline - time.monotonic()))


def _settled_evidence(known: Pending[Evidence] | Evidence) -> Evidence:
    """The evidence where it is there; nothing of what is still under way, was cancelled or failed."""
    if isinstance(known, Evidence):
        return known
    return known.result() if known.done and not known.failed else Evidence()


def _samples(check: Check) -> bool:
    """Whether one request cannot decide the check's limits."""
    return check.error_rate is not None or any(limit.startswith(("p", "mean")) for limit in check.latency)
