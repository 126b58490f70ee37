"""Causes of the cluster: workloads, images, configuration and what lies beside them."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "cluster.workload.missing",
        "a declared workload is not in the namespace",
        "{workload} is not in the namespace {namespace}",
        "correct its name, or deploy it",
        "kubectl -n {namespace} get deployments,statefulsets,daemonsets,jobs,cronjobs",
    ),
    CauseKind(
        "cluster.workload.no_pods",
        "a selector matches no pod, or the namespace has none: nothing runs that could be unhealthy",
        "no pod matches in the namespace {namespace}",
        "compare the selector with the labels of the pods",
        "kubectl -n {namespace} get pods --show-labels",
    ),
    CauseKind(
        "cluster.deployment.scaled_to_zero",
        "a workload wants no pod at all; every rollout condition holds for none",
        "{workload} is scaled to zero",
        "scale it up again; look who scaled it down",
        "kubectl -n {namespace} get deployment {workload} -o wide",
    ),
    CauseKind(
        "cluster.rollout.not_observed",
        "the controller has not seen the newest generation: its status is of the rollout before",
        "the controller has not seen the newest {workload} yet",
        "wait; if it stays, the controller manager is down",
        "kubectl -n {namespace} get {workload} -o jsonpath='{.metadata.generation} {.status.observedGeneration}'",
    ),
    CauseKind(
        "cluster.rollout.in_progress",
        "a rollout is under way, within its deadline",
        "the rollout of {workload} is not done",
        "wait for it; `settle` lets the gate do so",
        "kubectl -n {namespace} rollout status {workload}",
    ),
    CauseKind(
        "cluster.rollout.paused",
        "a rollout was paused in the middle: old and new pods serve",
        "the rollout of {workload} is paused",
        "resume it (kubectl rollout resume is yours to run)",
        "kubectl -n {namespace} rollout history {workload}",
    ),
    CauseKind(
        "cluster.rollout.old_version_serving",
        "the new ReplicaSet is not ready, and the old one serves: what answers is not what was deployed (R18)",
        "the new version of {workload} is not ready, the old one serves",
        "repair the new pods, or roll back (kubectl rollout undo is yours to run)",
        "kubectl -n {namespace} get replicasets,pods -o wide",
    ),
    CauseKind(
        "cluster.rollout.deadline_exceeded",
        "a rollout made no progress within its deadline (ProgressDeadlineExceeded), and no pod says why",
        "the rollout of {workload} made no progress in time",
        "look at its newest ReplicaSet's pods and events; raise progressDeadlineSeconds if it is merely slow",
        "kubectl -n {namespace} describe {workload}",
    ),
    CauseKind(
        "cluster.rollout.too_few_replicas",
        "fewer pods are available than are promised",
        "{workload} has fewer pods than promised",
        "look why pods are not available; correct spec.replicas",
        "kubectl -n {namespace} get {workload} -o wide",
    ),
    CauseKind(
        "cluster.rollout.replicas_differ",
        "a workload is declared with another number of pods than the one that is promised",
        "{workload} wants another number of pods than promised",
        "correct spec.replicas, or the promise",
        "kubectl -n {namespace} get {workload} -o jsonpath='{.spec.replicas}'",
    ),
    CauseKind(
        "cluster.job.failed",
        "a job ended without success: its pods failed as often as it lets them, or it took too long",
        "the job {workload} failed",
        "read the log of its last pod, repair, and run the job again",
        "kubectl -n {namespace} logs job/{workload} --all-containers",
    ),
    CauseKind(
        "cluster.job.running",
        "a job that must have succeeded has not ended",
        "the job {workload} has not ended",
        "wait for it; look what its pod waits for",
        "kubectl -n {namespace} get pods -l job-name={workload}",
    ),
    CauseKind(
        "cluster.cronjob.suspended",
        "a cron job is suspended: it never runs",
        "the cron job {workload} is suspended",
        "resume it (spec.suspend: false), or take the promise back",
        "kubectl -n {namespace} get cronjob {workload}",
    ),
    CauseKind(
        "cluster.cronjob.never_ran",
        "a cron job has not run yet: whether it succeeds is not known",
        "the cron job {workload} has not run yet",
        "wait for its first run, or start it by hand (kubectl create job --from is yours to run)",
        "kubectl -n {namespace} get cronjob {workload} -o jsonpath='{.spec.schedule} {.status}'",
    ),
    CauseKind(
        "cluster.cronjob.failing",
        "the last run of a cron job did not succeed",
        "the last run of the cron job {workload} did not succeed",
        "read the log of the last job",
        "kubectl -n {namespace} get jobs --sort-by=.metadata.creationTimestamp",
    ),
    CauseKind(
        "cluster.image.pull_failed",
        "the image does not exist, or the registry refuses the credential",
        "image {image} cannot be pulled",
        "push the tag, correct it, or repair imagePullSecrets",
        "kubectl -n {namespace} describe pod {pod}",
    ),
    CauseKind(
        "cluster.image.invalid_name",
        "the reference of the image cannot be read",
        "image {image} is no reference of an image",
        "correct the reference; an empty variable often leaves `:` or a space",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.containers[*].image}'",
    ),
    CauseKind(
        "cluster.image.not_on_node",
        "imagePullPolicy Never, and the node does not have the image",
        "image {image} is not on the node, and may not be pulled",
        "set imagePullPolicy: IfNotPresent, or load the image on the node",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{.spec.nodeName} {.spec.containers[*].imagePullPolicy}'",
    ),
    CauseKind(
        "cluster.image.wrong",
        "the running image is not the promised one",
        "{workload} runs another image than promised",
        "deploy the promised image, or correct the promise",
        "kubectl -n {namespace} get pods -o jsonpath='{range .items[*]}{.metadata.name} "
        '{.status.containerStatuses[*].imageID}{"\\n"}{end}\'',
    ),
    CauseKind(
        "cluster.image.digests_differ",
        "pods of one workload run one tag with different digests: the tag was moved between their starts",
        "pods of {workload} run different images by the same tag",
        "deploy by digest, or restart all of them (kubectl rollout restart is yours to run)",
        "kubectl -n {namespace} get pods -o "
        "custom-columns=POD:.metadata.name,IMAGE:.status.containerStatuses[*].imageID",
    ),
    CauseKind(
        "cluster.config.key_empty",
        "a key of a Secret or ConfigMap is there, with nothing in it",
        "the key {key} of {object} is empty",
        "write its value; an unset variable of the pipeline often leaves it empty",
        "kubectl -n {namespace} describe secrets,configmaps {object}",
    ),
    CauseKind(
        "cluster.volume.mount_failed",
        "a volume cannot be attached or mounted",
        "a volume of {pod} cannot be mounted",
        "look what the volume wants: a claim, a ConfigMap, a Secret, another node's attachment",
        "kubectl -n {namespace} get persistentvolumeclaims,configmaps,secrets",
    ),
)
