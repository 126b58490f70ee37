"""Values that no program can use as they are: literals, ConfigMaps, and Secrets, by their class alone (A13, A14, A29,
B5). No value is in the snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pytest_prodcheck.criteria.cluster import wiring
from pytest_prodcheck.criteria.cluster.scene import Scene, some
from pytest_prodcheck.observe import cluster_references as references
from pytest_prodcheck.observe import value_form
from pytest_prodcheck.observe.cluster import items, text
from pytest_prodcheck.observe.cluster_parts import texts
from pytest_prodcheck.observe.cluster_templates import Template
from pytest_prodcheck.observe.finding import Finding, Severity

_REMEDY: Mapping[str, tuple[Severity, str]] = {
    value_form.LINE_BREAK: ("error", "write it again without one (`printf %s`, not `echo`)"),
    value_form.QUOTED: ("error", "take the quotes away: they are part of the value"),
    value_form.PLACEHOLDER: ("error", "put the real value in"),
    value_form.BAD_URL: ("error", "write it as scheme://host[:port]/path"),
    value_form.BLANK: ("error", "put the real value in"),
    value_form.SPACE: ("warning", "take the white space away"),
    value_form.TWICE: ("warning", "give stringData, or encode it only once"),
    value_form.LOCALHOST: ("warning", "name the service instead"),
    value_form.NOT_HTTPS: ("warning", "use https"),
}
"""Flaw → how grave it is, and what to do."""
_SESSION = re.compile(r"SESSION_(PASSWORD|SECRET|KEY)$|^(COOKIE|NEXTAUTH|AUTH)_(SECRET|PASSWORD)$")
_LEAST, _SHORT = 32, ("1-7", "8-15", "16-31")
"""Characters below which iron-session and h3 refuse to seal a session (facts §10); the classes of fewer."""


def judge(scene: Scene) -> list[Finding]:
    """Malformed values that a template of the namespace uses; what nobody uses is nobody's cause."""
    literals = [finding for template in scene.templates() for finding in _literals(scene, template)]
    return [*literals, *_held(scene)]


def _held(scene: Scene) -> Iterator[Finding]:
    for (kind, name, key), workloads in _used(scene).items():
        store = scene.cluster.secrets if kind == "Secret" else scene.cluster.configmaps
        holder = store.get(name)
        value = holder.keys.get(key) if holder else None
        for flaw in value.flaws if value else ():
            if flaw != value_form.LOCALHOST or not _has_company(scene, workloads):
                where = f"{key} in {kind} {name}"
                yield _malformed(scene, where, flaw, f"{kind.lower()}/{name}", key, workloads)
        if value and _SESSION.search(key) and value.length in _SHORT:
            yield _short(scene, kind, name, key, value.length, workloads)


def _used(scene: Scene) -> dict[tuple[str, str, str], list[str]]:
    """Kind, name and key of every value that becomes a variable, with the workloads; a file may end as it likes."""
    used: dict[tuple[str, str, str], list[str]] = {}
    for reference, workloads in wiring.wanted(scene).items():
        holder = wiring.held(scene, reference)
        if holder is not None and reference.container:
            for key in [reference.key] if reference.key else holder.keys:
                used.setdefault((reference.kind, reference.name, key), []).extend(workloads)
    return {key: list(dict.fromkeys(workloads)) for key, workloads in used.items()}


def _literals(scene: Scene, template: Template) -> Iterator[Finding]:
    for container, spec in template.containers():
        defined = _from_elsewhere(scene, template, container)
        for one in items(spec, "env"):
            name = text(one, "name")
            for flaw in texts(one, "flaws"):
                alone = len(template.running()) == 1  # beside another container, a proxy may listen there
                if alone or flaw != value_form.LOCALHOST:
                    where = f"{name} of {container} ({template.shown})"
                    yield _malformed(scene, where, flaw, template.shown, name, [template.shown], container)
            missing = [used for used in texts(one, "uses") if defined is not None and used not in defined]
            if missing:
                yield _undefined(scene, template, container, name, missing[0])
            if defined is not None:
                defined.add(name)


def _from_elsewhere(scene: Scene, template: Template, container: str) -> set[str] | None:
    """Variables that `envFrom` gives to a container; None where that cannot be known."""
    given: set[str] = set()
    for reference in references.of(template):
        if reference.container != container or reference.variable:
            continue
        holder = wiring.held(scene, reference)
        if holder is None:
            return None
        given |= set(holder.keys)
    spec = next(one for name, one in template.containers() if name == container)
    return None if any(text(one, "prefix") for one in items(spec, "envFrom")) else given


def _undefined(scene: Scene, template: Template, container: str, name: str, missing: str) -> Finding:
    message = f"{name} of {container} ({template.shown}) uses $({missing}), which nothing before it defines: "
    return scene.found(
        "cluster.config.bad_value", message + "the text stays as it is", template.shown, seen=f"$({missing})",
        promised="a variable that is defined", remedy=f"define {missing} above {name}, or correct the name",
        next=scene.kubectl("describe", template.shown),
        data={"workload": template.shown, "container": container, "variable": name, "key": name},
    )  # fmt: skip


def _malformed(
    scene: Scene, where: str, flaw: str, subject: str, key: str, workloads: Sequence[str], container: str = ""
) -> Finding:
    severity, remedy = _REMEDY.get(flaw, ("warning", "see what is meant"))
    by = "" if container else f", used by {some(workloads)}"
    return scene.found(
        "cluster.config.bad_value", f"{where} {flaw}{by}", subject, seen=flaw,
        promised="a value as it is meant", severity=severity, remedy=f"{key}: {remedy}; then restart what uses it",
        next=scene.kubectl("describe", subject),
        data={"workload": workloads[0], "container": container, "variable": key, "key": key, "flaw": flaw},
    )  # fmt: skip


def _short(scene: Scene, kind: str, name: str, key: str, length: str, workloads: Sequence[str]) -> Finding:
    message = f"{key} in {kind} {name} has {length} characters, {_LEAST} are needed to seal a session"
    return scene.found(
        "auth.session_secret.too_short", message, f"{kind.lower()}/{name}", seen=f"{length} characters",
        promised=f">= {_LEAST} characters", remedy=f"put {_LEAST} random characters or more into {key} and restart",
        next=scene.kubectl("describe", f"{kind.lower()}/{name}"),
        data={"workload": workloads[0], "variable": key, "key": key},
    )  # fmt: skip


def _has_company(scene: Scene, workloads: Sequence[str]) -> bool:
    """Whether a pod of these has another container beside the one that reads: a proxy may listen there."""
    return any(len(one.running()) > 1 for one in scene.templates() if one.shown in workloads)
