"""The promised image runs, in all pods, by one digest (A45)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.criteria.cluster import pod as pods_own
from pytest_prodcheck.criteria.cluster.permission import refused
from pytest_prodcheck.observe.cluster import Cluster, Object, at, items, name_of, text
from pytest_prodcheck.observe.finding import Finding

CRITERION = "image"


def image(cluster: Cluster, promised: ClusterTarget, target: str, subject: str) -> list[Finding]:
    """The findings about the image of one workload, or of one container (`plan-app/sidecar`) of it."""
    name, _, container = subject.partition("/")
    resources = [resource for resource, names in promised.workloads.items() if name in names]
    for resource in (*resources, "pods"):
        if blocked := refused(cluster, resource, CRITERION, target, subject):
            return blocked
    workload = next((found for resource in resources if (found := cluster.named(resource, name))), None)
    if workload is None:
        says = f"{name} is not in namespace {cluster.namespace}"
        return [_finding(cluster, name, "cluster.workload.missing", says, target)]
    wanted = promised.images[subject]
    for says, seen in (*_of_template(workload, container, wanted), *_of_pods(cluster, name, container, wanted)):
        return [_finding(cluster, name, "cluster.image.wrong", says, target, seen, wanted)]
    running = _running(cluster, name, container, wanted)
    if not running:
        says = f"no pod of {name} runs: its image cannot be seen"
        return [_finding(cluster, name, "cluster.workload.no_pods", says, target, "0 pods", wanted)]
    return _of_one_digest(cluster, name, running, target)


def alike(cluster: Cluster, name: str, target: str) -> list[Finding]:
    """The pods of a workload that were read in full run one digest of each image, whichever is promised."""
    return _of_one_digest(cluster, name, _running(cluster, name, "", ""), target)


def _of_one_digest(cluster: Cluster, name: str, running: list[tuple[str, str, str]], target: str) -> list[Finding]:
    by_reference: dict[str, set[str]] = {}
    for _, reference, digest in running:
        by_reference.setdefault(reference, set()).add(digest)
    for reference, digests in by_reference.items():
        if len(digests) > 1:
            shown = ", ".join(f"{pod} {digest[:19]}" for pod, one, digest in running if one == reference)
            says = f"pods of {name} run {len(digests)} different images by the tag {reference}: {shown}"
            return [_finding(cluster, name, "cluster.image.digests_differ", says, target, shown, "one digest")]
    return []


def matches(reference: str, digest: str, wanted: str) -> bool:
    """Whether an image is the promised one: by digest where that is promised, by `:tag`, or by the whole reference."""
    if "sha256:" in wanted:
        named, _, promised = wanted.rpartition("@") if "@" in wanted else ("", "", wanted)
        same = digest.endswith(promised) or reference.endswith(promised)
        return same and (not named or _bare(reference).partition("@")[0].startswith(named.rpartition(":")[0] or named))
    if wanted.startswith(":"):
        return _bare(reference).partition("@")[0].endswith(wanted)
    return _bare(reference).partition("@")[0] == _bare(wanted)


def _bare(reference: str) -> str:
    """As Docker reads it: `nginx` is `docker.io/library/nginx:latest`."""
    name = reference.removeprefix("docker-pullable://")
    for prefix in ("docker.io/library/", "docker.io/", "index.docker.io/library/"):
        name = name.removeprefix(prefix)
    return name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"


def chosen(containers: list[Object], container: str, wanted: str) -> list[Object]:
    """The containers that an entry of `images` means: the one of that name; or those whose repository is the promised
    one's; the first where none has it. All where nothing is promised."""
    if not wanted:
        return containers
    if container:
        return [one for one in containers if text(one, "name") == container]
    repository = _bare(wanted).partition("@")[0].rpartition(":")[0]
    same = [one for one in containers if repository and _bare(text(one, "image")).startswith(f"{repository}:")]
    return same or containers[:1]


def _of_template(workload: Object, container: str, wanted: str) -> Iterator[tuple[str, str]]:
    template = at(workload, "spec", "jobTemplate", "spec", "template") or at(workload, "spec", "template")
    for one in chosen(list(items(template, "spec", "containers")), container, wanted):
        reference = text(one, "image")
        if "sha256:" not in wanted and not matches(reference, "", wanted):
            yield f"{name_of(workload)} is declared with {reference}, promised is {wanted}", reference


def _of_pods(cluster: Cluster, name: str, container: str, wanted: str) -> Iterator[tuple[str, str]]:
    for pod, reference, digest in _running(cluster, name, container, wanted):
        if not matches(reference, digest, wanted):
            yield f"pod {pod} runs {reference} ({digest[:19] or 'no digest'}), promised is {wanted}", reference


def _running(cluster: Cluster, name: str, container: str, wanted: str) -> list[tuple[str, str, str]]:
    """(pod, image of its spec, digest that runs) of the workload's pods that are not over."""
    found = []
    for pod in cluster.objects.get("pods", ()):
        if pods_own.workload_of(pod) != name or text(pod, "status", "phase") in ("Failed", "Succeeded"):
            continue
        statuses = {text(one, "name"): one for one in items(pod, "status", "containerStatuses")}
        for one in chosen(list(items(pod, "spec", "containers")), container, wanted):
            digest = text(statuses.get(text(one, "name")), "imageID").rpartition("@")[2]
            if digest:
                found.append((name_of(pod), text(one, "image"), digest))
    return found


def _finding(
    cluster: Cluster, name: str, code: str, says: str, target: str, seen: str = "", promised: str = ""
) -> Finding:
    order = (
        f"{cluster.kubectl} get pods -o custom-columns=POD:.metadata.name,IMAGE:.status.containerStatuses[*].imageID"
    )
    data = {"workload": name, "namespace": cluster.namespace, "image": promised, "operation": f"image of {name}"}
    return Finding(CRITERION, target, says, code, seen=seen, promised=promised, subject=name, next=order, data=data)
