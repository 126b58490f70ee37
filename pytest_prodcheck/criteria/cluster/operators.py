"""What operators say of the objects that they keep: cert-manager's Certificates, external-secrets' ExternalSecrets."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria.cluster.scene import Scene, day, reason
from pytest_prodcheck.observe.cluster import Object, moment, name_of, text
from pytest_prodcheck.observe.cluster_parts import condition
from pytest_prodcheck.observe.finding import Finding

CERTIFICATES = "certificates.cert-manager.io"
EXTERNAL_SECRETS = "externalsecrets.external-secrets.io"


def certificates(scene: Scene) -> list[Finding]:
    """Certificates that are not ready, or that are promised and not there; without a promise, all that there are."""
    found = _absent(scene, CERTIFICATES, "Certificate", "certificates", scene.promised.certificates)
    return [*found, *(finding for one in scene.listed(CERTIFICATES) for finding in _certificate(scene, one))]


def external_secrets(scene: Scene) -> list[Finding]:
    """ExternalSecrets that are not ready: the Secret that they make is old, or missing."""
    wanted = scene.promised.external_secrets
    found = _absent(scene, EXTERNAL_SECRETS, "ExternalSecret", "external_secrets", wanted)
    return [*found, *(finding for one in scene.listed(EXTERNAL_SECRETS) for finding in _external(scene, one))]


def _absent(scene: Scene, resource: str, kind: str, key: str, wanted: tuple[str, ...]) -> list[Finding]:
    unknown = resource in scene.cluster.absent
    there = scene.named(resource)
    if not unknown and resource not in scene.cluster.objects:
        return []
    wrong = f"the API server does not know the kind {kind}" if unknown else ""
    return [
        scene.found(
            "cluster.operator.object_missing", f"{wrong or f'{kind} {name} does not exist'}, which {key} promises",
            f"{kind.lower()}/{name}", seen="none", promised=f"{kind} {name}",
            remedy=f"install its operator, or leave {key} out" if unknown else f"create {kind} {name}",
            next=scene.kubectl(f"get {resource}"), data={"name": name, "kind": kind},
        )
        for name in wanted
        if name not in there
    ]  # fmt: skip


def _certificate(scene: Scene, certificate: Object) -> Iterator[Finding]:
    name, ready = name_of(certificate), condition(certificate, "Ready")
    issuing, end = condition(certificate, "Issuing"), moment(text(certificate, "status", "notAfter"))
    secret = text(certificate, "spec", "secretName")
    grave = not scene.promised.certificates or name in scene.promised.certificates
    if text(ready, "status") != "True":
        why = reason(ready) or "its controller has not looked at it"
        yield scene.found(
            "cluster.certificate.not_ready", f"Certificate {name} is not ready: {why}", f"certificate/{name}",
            seen=f"Ready={text(ready, 'status') or 'missing'}", promised="Ready=True",
            severity="error" if grave else "warning", remedy=f"see the CertificateRequest and the Order of {name}",
            next=scene.kubectl(f"describe {CERTIFICATES}", name), data={"name": name, "secret": secret},
        )  # fmt: skip
    elif text(issuing, "status") == "False" and text(issuing, "reason") == "Failed":
        until = f"; the one in Secret {secret} holds until {day(end)}" if end else ""
        yield scene.found(
            "cluster.certificate.not_ready", f"Certificate {name} cannot be renewed: {reason(issuing)}{until}",
            f"certificate/{name}", seen="Issuing failed", promised="renewed", severity="warning",
            remedy=f"see the CertificateRequest and the Order of {name}",
            next=scene.kubectl(f"describe {CERTIFICATES}", name), data={"name": name, "secret": secret},
        )  # fmt: skip


def _external(scene: Scene, external: Object) -> Iterator[Finding]:
    name, ready = name_of(external), condition(external, "Ready")
    if text(ready, "status") == "True":
        return
    secret = text(external, "spec", "target", "name") or name
    since = text(external, "status", "refreshTime")
    last = f"; last refreshed {since}" if since else ""
    yield scene.found(
        "cluster.external_secret.not_synced",
        f"ExternalSecret {name} does not fill Secret {secret}: {reason(ready) or 'no condition Ready'}{last}",
        f"externalsecret/{name}", seen=f"Ready={text(ready, 'status') or 'missing'}", promised="Ready=True",
        remedy=f"see the store that {name} reads, and its credential",
        next=scene.kubectl(f"describe {EXTERNAL_SECRETS}", name), data={"name": secret, "kind": "Secret"},
    )  # fmt: skip
