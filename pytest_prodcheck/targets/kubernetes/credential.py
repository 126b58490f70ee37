"""Who we are to an API server: a token, a token file that is read again, a plugin that is run, or a certificate.

Plugins are `client.authentication.k8s.io` v1 and v1beta1 (Kubernetes documentation, "Authenticating", client-go
credential plugins), without a terminal and within the target's time-out.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.config.redaction import scrub_patterns
from pytest_prodcheck.targets.kubernetes.hearing import TooMuch, heard
from pytest_prodcheck.targets.kubernetes.kubeconfig import Access
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

if TYPE_CHECKING:
    from lightkube.config.models import UserExec

_API = "client.authentication.k8s.io/"
_VERSIONS = (f"{_API}v1", f"{_API}v1beta1")
_LONGEST, _SHORTEST = 300, 4
_SECRET = re.compile(r"token|secret|passw|credential|key", re.IGNORECASE)
_MOST = 1 << 20
"""Bytes that a plugin may print: a token and a chain of certificates are some kilobytes."""
Remember = Callable[[str, str], object]


@dataclass
class Credential:
    """What identifies us; asked again when the API server refuses it."""

    target: str
    way: Access = field(repr=False)
    timeout: float
    remember: Remember = field(repr=False)
    """Registers a secret before anything about it is kept."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)
    """Of a plugin that gave one, with its key."""
    _header: str | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def renewable(self) -> bool:
        """Whether asking again may give another one."""
        user = self.way.user
        return user is not None and bool(user.token_file or user.exec)

    def header(self, *, again: bool = False) -> str:
        """The Authorization header; empty where a certificate says who we are. Raises ApiProblem."""
        with self._lock:
            if self._header is None or (again and self.renewable):
                self._header = self._made()
            return self._header

    def _made(self) -> str:
        user = self.way.user
        if user is None:
            return ""
        if self.way.in_the_clear and (user.token_file or user.token or user.exec or user.username):
            text = f"the kubeconfig's server is {self.way.server}: our credential is not sent in the clear, to nobody"
            raise self._problem(
                text, "write the server's https:// address; for kubectl proxy, a user without credential"
            )
        if user.token_file:
            return self._bearer(self._of_file(self.way.folder / user.token_file))
        if user.token:
            return self._bearer(user.token)
        if user.exec:
            return self._of_plugin(user.exec)
        if user.username and user.password:
            self.remember(user.password, "password of the cluster's user")
            return "Basic " + base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        if user.auth_provider:
            raise self._problem("the kubeconfig's auth-provider is no longer in Kubernetes: use an exec plugin")
        return ""

    def _of_file(self, path: Path) -> str:
        try:
            return path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise self._problem(f"token file {path} cannot be read") from None

    def _bearer(self, token: str) -> str:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise self._problem("the token is empty, or has characters that no token has")
        self.remember(token, "token of the cluster")
        return f"Bearer {token}"

    def _of_plugin(self, plugin: UserExec) -> str:
        if plugin.apiVersion not in _VERSIONS:
            text = f"credential plugin {plugin.command}: apiVersion {plugin.apiVersion} is neither v1 nor v1beta1"
            raise self._problem(text, "update the kubeconfig with the provider's command line")
        status = self._answered(plugin, _run(self, plugin))
        certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
        if isinstance(certificate, str) and isinstance(key, str):
            self.remember(key, "key of the cluster's user")
            self.certificate = certificate.encode(), key.encode()
        token = status.get("token")
        if isinstance(token, str):
            return self._bearer(token)
        if self.certificate is None:
            raise self._problem(f"credential plugin {plugin.command}: its answer has neither a token nor a certificate")
        return ""

    def _answered(self, plugin: UserExec, output: bytes) -> Mapping[str, Any]:
        try:
            document = json.loads(output)
        except (ValueError, RecursionError):
            raise self._problem(f"credential plugin {plugin.command}: its answer is not JSON") from None
        status = document.get("status") if isinstance(document, dict) else None
        if not isinstance(status, dict):
            raise self._problem(f"credential plugin {plugin.command}: its answer is no ExecCredential with a status")
        return status

    def _problem(self, text: str, remedy: str = "", code: str = "cluster.credential.unusable") -> ApiProblem:
        return ApiProblem(self.target, text, code, remedy)


def _run(owner: Credential, plugin: UserExec) -> bytes:
    """What the plugin prints. It and what it started are ended when the time is over."""
    name = str(owner.way.folder / plugin.command) if os.sep in plugin.command else plugin.command
    environ = {**owner.environ, **{one.name: one.value for one in plugin.env or ()}}
    if (path := shutil.which(name, path=environ.get("PATH"))) is None:
        hint = " ".join((plugin.installHint or "").split())[:_LONGEST] or f"install {plugin.command} on this runner"
        raise owner._problem(f"credential plugin {plugin.command} is not installed", hint)
    with _started(owner, plugin, path, environ) as process:
        try:
            output, said = heard(process, owner.timeout, _MOST)
        except TooMuch:
            os.killpg(process.pid, signal.SIGKILL)
            text = f"credential plugin {plugin.command} prints more than {_MOST >> 20} MiB, which is no credential"
            raise owner._problem(text, "run it by hand, and see what it prints") from None
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            text = f"credential plugin {plugin.command} gave no answer within {owner.timeout:g} s"
            raise owner._problem(
                text, "run it by hand: it may wait for a log-in", "cluster.credential.timeout"
            ) from None
    if process.returncode:
        words = scrub_patterns(_without(plugin, " ".join(said.decode("utf-8", "replace").split())))[-_LONGEST:]
        raise owner._problem(f"credential plugin {plugin.command} ended with {process.returncode}: {words}")
    return output


def _without(plugin: UserExec, words: str) -> str:
    """The words without what the kubeconfig gives the plugin: its `env`, and arguments that are named as secrets."""
    given = [one.value for one in plugin.env or ()]
    for before, one in zip(["", *(plugin.args or ())], plugin.args or (), strict=False):
        name, _, value = one.rpartition("=") if "=" in one else (before, "", one)
        if name.startswith("-") and _SECRET.search(name) and not value.startswith("-"):
            given.append(value)
    for value in sorted((" ".join(one.split()) for one in given), key=len, reverse=True):
        words = words.replace(value, "[redacted]") if len(value) >= _SHORTEST else words
    return words


def _started(owner: Credential, plugin: UserExec, path: str, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    told = {"apiVersion": plugin.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
    try:
        return subprocess.Popen(
            [path, *(plugin.args or ())],
            env={**environ, "KUBERNETES_EXEC_INFO": json.dumps(told)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # no program for this machine, an interpreter that is not there, a NUL
        why = getattr(error, "strerror", None) or str(error)
        raise owner._problem(f"credential plugin {plugin.command} cannot be run: {why}") from None
