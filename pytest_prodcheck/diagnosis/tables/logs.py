"""Causes that only logs show, and why logs cannot be read."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

_CHECK = "pytest --prodcheck=ENV -k logs"
_DOCTOR = "prodcheck doctor ENV"

KINDS = (
    CauseKind("logs.source.empty", "the source gives no lines in the window", "{target} gives no lines: {subject}", "check the source's name and the window; a program that logs nothing cannot be judged by its logs", "kubectl logs -n {namespace} --tail=50 {pod}"),
    CauseKind("logs.source.missing", "there is no such file, pod or stream", "{text}", "correct the path, selector or query in prodcheck.toml", _DOCTOR),
    CauseKind("logs.source.forbidden", "we are not permitted to read the logs", "{text}", "grant the runner `get` on pods/log, read permission on the file, or a token with logging.read", "kubectl auth can-i get pods/log -n {namespace}"),
    CauseKind("logs.source.unreachable", "what keeps the logs does not answer", "{text}", "check the address and the way to it from the runner; the system itself may be well", "curl -sv {url}"),
    CauseKind("logs.source.rejected", "what keeps the logs does not take the query", "{text}", "try the query where the logs are looked at by hand, and correct it", _DOCTOR),
    CauseKind("logs.source.incomplete", "a part of the window was not read, or is gone", "a part of the window is missing in {subject}: {reason}", "keep more before rotation, raise `at_most`, `lines` or `reading`, or shorten `since`", _CHECK),
    CauseKind("logs.source.silent", "the log told of requests, and of none of ours since: it was cut off, or its writer hangs", "{subject} is silent since {last}, although we sent {sent} requests since", "see whether the program still writes there: a rotation without a signal to it, output that is buffered, a shipper that is behind; say `traces = false` where our requests do not go to what these logs are of", _CHECK),
    CauseKind("logs.window.unproven", "it cannot be told which lines are of the window", "{text}", "log with timestamps, or say `since` as a duration", "kubectl logs -n {namespace} {pod} --tail=50"),
    CauseKind("logs.traffic.none", "the window shows no answered request but ours", "no traffic in the window: that there is no error proves nothing", "wait for traffic, lengthen `since`, or say `traffic = false` where no requests are logged; look at its lines whether anybody asks it", "kubectl logs -n {namespace} {pod} --since=1h"),
    CauseKind("logs.clock.skewed", "a node writes times from the future", "the clock of {subject} is {ahead_s} s ahead", "synchronise the node's clock; windows and orders of events are wrong until then", "kubectl get pods -o wide -n {namespace}"),
    CauseKind("logs.requests.server_errors", "the log shows requests that were answered with 5xx", "{count}× {status} on {route}", "look for the exception of the same time in the application's lines; a 502 to 504 is the gateway's word about it", "kubectl logs -n {namespace} {pod} --since=1h"),
    CauseKind("logs.exception.unhandled", "the program raised what it did not catch", "{exception} in {frame}", "correct the frame that is named; it is the program's own innermost one", "kubectl logs -n {namespace} {pod} --since=1h"),
    CauseKind("logs.record.grave", "the program itself calls it an error", "{text}", "read the record; accept it with its code where it is known", "kubectl logs -n {namespace} {pod} --since=1h"),
    CauseKind("logs.rejection.unhandled", "a rejected promise has no handler", "an unhandled rejection: {text}", "await the promise, or catch; newer Node.js ends the process at the next one", "kubectl logs -n {namespace} {pod} --previous"),
    CauseKind("logs.coroutine.never_awaited", "a coroutine was made and not awaited: its work is never done", "missing await: {text}", "add the await at the place that is named; each such call silently does nothing", "grep -rn 'async def' ."),
    CauseKind("logs.memory.exhausted", "a process ran out of memory", "out of memory: {text}", "compare the limit with what it needs; look for what grows", "kubectl top pods -n {namespace}"),
    CauseKind("logs.disk.full", "a write failed because the disk is full", "no space left: {text}", "free the volume, or enlarge it; look what grew there", "kubectl exec is yours to run: df -h"),
    CauseKind("logs.module.missing", "the image lacks a module that the program imports", "a module is missing: {text}", "add it to what the image installs, and build again", "kubectl logs -n {namespace} {pod} --previous"),
    CauseKind("logs.validation.local", "tokens are checked by an emergency path, without the provider", "running on local token validation: {text}", "restore the way to the provider; revoked tokens are accepted until then", "kubectl logs -n {namespace} {pod} --since=1h"),
    CauseKind("logs.handler.fallback", "something runs on its fallback", "degraded: {text}", "find out what the fallback stands in for, and restore that", "kubectl logs -n {namespace} {pod} --since=1h"),
    CauseKind("logs.client.bad_url", "a client was made with no URL, or with one that is none", "a client has no usable URL: {text}", "look which variable holds the URL, and whether it was set where the client is made", "kubectl set env -n {namespace} {pod} --list"),
    CauseKind("logs.connection.refused", "the program's connection to something was refused", "a connection was refused: {text}", "find the address in the line; see whether that service runs and listens there", "kubectl get endpoints -n {namespace}"),
    CauseKind("logs.connection.timeout", "the program's connection to something got no answer", "a connection timed out: {text}", "find the address in the line; look for a network policy or firewall between", "kubectl get networkpolicies -n {namespace}"),
    CauseKind("logs.pattern.forbidden", "a line has what `forbid` forbids", "{text}", "correct what writes it, or take the pattern out of `forbid`", _CHECK),
    CauseKind("logs.query.slow", "a statement took longer than `slow`", "a slow query: {text}", "look at its plan, and at locks of the time", "psql -c \"explain (analyze, buffers) …\" is yours to run"),
    CauseKind("logs.retries.storm", "something is retried without a pause that grows", "a retry storm: {text}", "let the pauses grow, with a bound and some chance; and see what fails", "kubectl logs -n {namespace} {pod} --tail=50"),
    CauseKind("logs.secret.printed", "a line prints a credential", "the log of {origin} prints a credential", "change the credential, then what prints it: whoever reads logs has it", "kubectl logs -n {namespace} {pod} --since=1h"),
    CauseKind("logs.privacy.personal_data", "a line prints personal data", "the log of {origin} prints personal data", "log an id in its place; accept it with an end where the law permits it", _CHECK),
    CauseKind("logs.logins.refused", "more log-ins or tokens are refused than `auth_failures` permits", "{seen} refused log-ins", "look at the reason that is most frequent: one for all is a configuration, many are an attack", "kubectl logs -n {namespace} {pod} --since=1h"),
    CauseKind("logs.lines.unstructured", "too many lines are not structured", "lines are not JSON with time, level and message: {text}", "configure the logger of what writes them; print() and a runtime's warnings do not go through it", _CHECK),
    CauseKind("logs.lines.too_few", "the window has too few lines to tell the share of structured ones", "too few lines for `structured`: {seen} in the window", "lengthen `since`, or judge it when more was written", _CHECK),
    CauseKind("logs.startup.late", "the line that says `ready` came too late, or never", "{subject} was not ready in time", "look at what it waited for before that line", "kubectl logs -n {namespace} {pod} --tail=100"),
    CauseKind("logs.startup.errors", "grave lines before the line that says `ready`", "{subject} started with errors", "read them: what fails at the start is tried again only at the next one", "kubectl logs -n {namespace} {pod}"),
    CauseKind("logs.startup.unseen", "the window does not show the start", "no start lies within the window", "lengthen `since`, or judge it right after a rollout", _CHECK),
    CauseKind("logs.trace.missing", "a 500 that we got has no trace in the logs", "{operation} answered 500, and the logs do not say why", "log the exception where the 500 is made, with the request's id", "kubectl logs -n {namespace} {pod} --since=10m"),
    CauseKind("logs.trace.no_id", "a 500 that we got names no request id", "{operation} answered 500 without a request id", "send x-request-id with every answer, and log it", "curl -si {url}"),
)  # fmt: skip
