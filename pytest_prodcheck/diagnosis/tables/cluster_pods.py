"""Causes of the cluster: pods and their containers."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "cluster.container.oom_killed",
        "a container used more memory than its limit, and the kernel ended it (137)",
        "{container} of {pod} is killed by its memory limit",
        "raise the limit, or find what holds the memory",
        "kubectl -n {namespace} describe pod {pod}",
    ),
    CauseKind(
        "cluster.container.liveness_killed",
        "the kubelet ended a container whose liveness probe failed; it did not crash, and memory is not the reason",
        "{container} of {pod} is restarted by its liveness probe",
        "give the probe more time (timeoutSeconds, failureThreshold), or the path that answers",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.containers[*].livenessProbe}'",
    ),
    CauseKind(
        "cluster.container.crash_loop",
        "a program ends by itself, again and again",
        "{container} of {pod} ends by itself",
        "read its last words, and repair what they name",
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
    ),
    CauseKind(
        "cluster.container.bad_command",
        "the command is not in the image (127), or cannot be executed (126)",
        "the command of {container} cannot be run",
        "correct command, or the image's entrypoint, its mode and its architecture",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.containers[*].command}'",
    ),
    CauseKind(
        "cluster.container.create_failed",
        "the container runtime cannot create or start a container",
        "{container} of {pod} cannot be created",
        "look at the event: a mount path, a capability, a user or a device",
        "kubectl -n {namespace} get events --field-selector involvedObject.name={pod}",
    ),
    CauseKind(
        "cluster.container.hook_failed",
        "a postStart or preStop hook of a container fails, and takes it down",
        "a hook of {container} in {pod} fails",
        "run the hook's command in the image by hand",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.containers[*].lifecycle}'",
    ),
    CauseKind(
        "cluster.container.restarting",
        "a container is restarted more often than is promised",
        "{container} of {pod} is restarted too often",
        "look why its last instance ended",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.status.containerStatuses[*].lastState}'",
    ),
    CauseKind(
        "cluster.container.memory_leak",
        "memory rises until the limit ends the container, and again",
        "the memory of {container} rises until it is killed",
        "take heap snapshots under load and idle, and compare them",
        "kubectl -n {namespace} top pod --containers --sort-by=memory",
    ),
    CauseKind(
        "cluster.probe.misconfigured",
        "a probe asks a path or a port that the application does not serve",
        "a probe of {container} asks what the application does not serve",
        "correct the probe's path and port",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.containers[*].readinessProbe}'",
    ),
    CauseKind(
        "cluster.pod.not_ready",
        "a pod runs, and its readiness probe fails: no service sends it anything",
        "{pod} is not ready",
        "look what the probe asks, and what the application answers there",
        "kubectl -n {namespace} logs {pod} --all-containers --tail=50",
    ),
    CauseKind(
        "cluster.pod.starting",
        "a pod has been starting for longer than usual, and nothing says why",
        "{pod} does not get to start",
        "look at its events; a slow pull or a slow volume",
        "kubectl -n {namespace} get pod {pod} -o wide",
    ),
    CauseKind(
        "cluster.pod.failed",
        "a pod has failed as a whole, and nothing replaces it",
        "{pod} has failed",
        "read its reason, and delete it when it is understood (yours to do)",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.status.reason} {.status.message}'",
    ),
    CauseKind(
        "cluster.pod.terminating",
        "a pod was deleted and does not go: a finalizer, or a node that does not report",
        "{pod} does not end",
        "look for its node and its finalizers",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.metadata.deletionTimestamp} "
        "{.metadata.finalizers} {.spec.nodeName}'",
    ),
    CauseKind(
        "cluster.pod.unschedulable",
        "no node fits the pod: resources, labels, taints or volumes",
        "no node fits {pod}",
        "free or add resources, or correct requests, nodeSelector and tolerations",
        "kubectl describe nodes",
    ),
    CauseKind(
        "cluster.pod.gated",
        "a pod has scheduling gates that nobody has removed",
        "{pod} waits behind a scheduling gate",
        "look which controller should remove the gate",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.schedulingGates}'",
    ),
    CauseKind(
        "cluster.pod.evicted",
        "the kubelet ended a pod because its node ran short of disk or memory",
        "{pod} was evicted from its node",
        "free the node's disk or memory; set requests that tell the truth",
        "kubectl get nodes -o custom-columns=NODE:.metadata.name,PRESSURE:.status.conditions[*].type",
    ),
    CauseKind(
        "cluster.pod.sandbox_failed",
        "the pod's sandbox cannot be made: the network plug-in, or no address left",
        "the sandbox of {pod} cannot be made",
        "look at the network plug-in on that node",
        "kubectl -n kube-system get pods -o wide",
    ),
)
