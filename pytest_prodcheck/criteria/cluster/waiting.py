"""What a waiting container waits for: every reason of the kubelet's, by its cause (facts of `pkg/kubelet`)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.criteria.cluster import events
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import Object, moment, name_of, text

PULLS = ("ImagePullBackOff", "ErrImagePull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed")
_REASONS: Mapping[str, str] = {
    "ErrImageNeverPull": "cluster.image.not_on_node",
    "InvalidImageName": "cluster.image.invalid_name",
    "CreateContainerError": "cluster.container.create_failed",
    "RunContainerError": "cluster.container.create_failed",
    "KillContainerError": "cluster.container.create_failed",
    "CreateContainerConfigError": "cluster.container.create_failed",
    "PreCreateHookError": "cluster.container.hook_failed",
    "PreStartHookError": "cluster.container.hook_failed",
    "PostStartHookError": "cluster.container.hook_failed",
    "CreatePodSandboxError": "cluster.pod.sandbox_failed",
    "ConfigPodSandboxError": "cluster.pod.sandbox_failed",
    "KillPodSandboxError": "cluster.pod.sandbox_failed",
}
STARTING = ("ContainerCreating", "PodInitializing", "")
SLOW = 120.0
"""Seconds after which a start without a reason is one too long."""
_NO_KEY = compiled(r"couldn't find key ([\w.-]+) in (Secret|ConfigMap) (?:[\w.-]+/)?([\w.-]+)")
_REFERENCES = compiled(r"references non-existent (secret|config) key: ([\w.-]+)", re.IGNORECASE)
_NO_OBJECT = compiled(r"(secret|configmap) \"(?:[\w.-]+/)?([\w.-]+)\" not found", re.IGNORECASE)
_NO_COMMAND = compiled(
    r"no command specified|executable file not found|no such file or directory|exec format error", re.I
)
_TOLD: Mapping[str, str] = {
    "not found": "it is not in the registry",
    "manifest unknown": "its tag is not in the registry",
    "denied": "the registry refuses the credential",
    "unauthorized": "the registry refuses the credential",
    "no basic auth": "no credential for the registry",
    "x509": "the registry's certificate is not trusted",
    "no such host": "the registry's name does not resolve",
    "timeout": "the registry does not answer",
    "toomanyrequests": "the registry allows no more pulls for now",
    "no match for platform": "it is not built for the node's architecture",
}


def why(pod: Object, container: Object, status: Object, known: list[Object], now: float) -> Why | None:
    """Why the container waits; None for a crash loop, which its last state explains, and for a fresh start."""
    reason, message = text(status, "state", "waiting", "reason"), text(status, "state", "waiting", "message")
    image, name = text(container, "image") or text(status, "image"), text(status, "name")
    if reason in PULLS:
        return _pull(pod, image, message, known)
    if found := of_configuration(message, name):
        return found
    if reason in _REASONS:
        code = _REASONS[reason]
        if code == "cluster.container.create_failed" and _NO_COMMAND.search(message):
            code = "cluster.container.bad_command"
        told = message or events.last(known, "Failed", "FailedCreatePodSandBox")
        return Why(code, f"{name} waits: {reason}: {told or 'without a message'}", data={"image": image, "text": told})
    if reason in STARTING:
        return of_start(pod, name, known, now)
    if reason == "CrashLoopBackOff":
        return None
    return Why("cluster.pod.starting", f"{name} waits: {reason}: {message}", data={"text": message})


def of_configuration(message: str, name: str) -> Why | None:
    """A Secret, a ConfigMap or a key of one that is not there, in the kubelet's words (R3)."""
    if found := _NO_KEY.search(message):
        key, kind, thing = found.groups()
        return _lacking(kind, thing, key, name, message)
    if found := _NO_OBJECT.search(message):
        kind, thing = _kind(found[1]), found[2]
        says = f"{name} needs the {kind} {thing}, which does not exist"
        data = {"kind": kind, "object": thing, "text": message}
        return Why("cluster.config.secret_missing", says, f"get {kind.lower()} {thing}", data)
    if found := _REFERENCES.search(message):
        kind = "Secret" if found[1].lower() == "secret" else "ConfigMap"
        return _lacking(kind, "", found[2], name, message)
    return None


def _lacking(kind: str, thing: str, key: str, name: str, message: str) -> Why:
    says = f"{name} needs the key {key} of {kind} {thing}".rstrip() + ", which is not in it"
    data = {"kind": kind, "object": thing, "key": key, "text": message}
    return Why("cluster.config.key_missing", says, f"describe {kind.lower()} {thing}".rstrip(), data)


def _kind(word: str) -> str:
    return "ConfigMap" if word.lower() == "configmap" else "Secret"


def _pull(pod: Object, image: str, message: str, known: list[Object]) -> Why:
    told = events.last(known, "Failed", saying="Failed to pull") or message
    because = next((words for mark, words in _TOLD.items() if mark in told.lower()), "")
    says = f"image {image} cannot be pulled" + (f": {because}" if because else "")
    return Why("cluster.image.pull_failed", says, f"describe pod {name_of(pod)}", {"image": image, "text": told})


def of_start(pod: Object, name: str, known: list[Object], now: float) -> Why | None:
    """Why a pod does not get to start: a volume, its sandbox, or nothing that anybody says."""
    if told := events.last(known, "FailedMount", "FailedAttachVolume", "FailedMapVolume"):
        if found := of_configuration(told, name):
            return found
        return Why("cluster.volume.mount_failed", f"a volume of {name} cannot be mounted: {told}", data={"text": told})
    if told := events.last(known, "FailedCreatePodSandBox"):
        return Why("cluster.pod.sandbox_failed", f"its sandbox cannot be made: {told}", data={"text": told})
    waited = now - moment(text(pod, "metadata", "creationTimestamp"))
    if now and waited > SLOW:
        return Why("cluster.pod.starting", f"{name} has been starting for {waited / 60:.0f} min, and nothing says why")
    return None
