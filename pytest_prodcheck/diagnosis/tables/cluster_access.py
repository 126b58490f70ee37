"""Causes of a cluster that cannot be asked, or not for everything."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "cluster.client.missing",
        "lightkube, which reads kubeconfigs, is not installed where the gate runs",
        "the extra `cluster` is not installed",
        "install the extra into the environment that the gate runs in",
        "pip install 'pytest-prodcheck[cluster]'",
    ),
    CauseKind(
        "cluster.kubeconfig.missing",
        "no kubeconfig, and no service account, is where it was looked for",
        "no way to the API server is configured on this runner",
        "name the file with `kubeconfig`, set KUBECONFIG, or say in_cluster = true in a pod",
        "kubectl config get-contexts",
    ),
    CauseKind(
        "cluster.kubeconfig.invalid",
        "the kubeconfig cannot be used: no YAML, a part missing, certificates that are none",
        "the kubeconfig cannot be used",
        "write it anew with the provider's command line, or correct what is named",
        "kubectl config view",
    ),
    CauseKind(
        "cluster.kubeconfig.context_unknown",
        "the kubeconfig has no context of the configured name",
        "the kubeconfig has no such context",
        "write one of the contexts that it has",
        "kubectl config get-contexts -o name",
    ),
    CauseKind(
        "cluster.credential.unusable",
        "the kubeconfig's credential gives nothing that could be sent: a plugin that is absent or fails, an "
        "empty token",
        "the credential of the cluster cannot be had",
        "install or repair the credential plugin; log in once by hand",
        "kubectl auth whoami",
    ),
    CauseKind(
        "cluster.credential.timeout",
        "a credential plugin did not end in time; most wait for a log-in in a browser",
        "the credential plugin gives no answer",
        "run the plugin by hand; on a runner use a service account's token",
        "kubectl auth whoami --request-timeout=30s",
    ),
    CauseKind(
        "cluster.credential.expired",
        "the API server answers 401, and the token has expired",
        "the token of the cluster has expired",
        "get a new token; a token file or a plugin renews it by itself",
        "kubectl config view --minify --raw -o jsonpath='{.users[0].user.token}' | cut -d. -f2 | tr _- /+ | base64 -d "
        "2>/dev/null | grep -o '\"exp\": *[0-9]*'",
    ),
    CauseKind(
        "cluster.credential.rejected",
        "the API server answers 401, or refuses our certificate: it does not know who we are",
        "the API server does not know us",
        "compare the user of the context with what the cluster knows; a rotated authority ends old certificates",
        "kubectl auth whoami -v=6",
    ),
    CauseKind(
        "cluster.tls.untrusted",
        "the API server's certificate is signed by an authority that the kubeconfig does not name",
        "the API server's certificate is not trusted",
        "put the cluster's own authority into certificate-authority-data; insecure-skip-tls-verify is not honoured",
        "kubectl config view --raw -o jsonpath='{.clusters[*].cluster.server}'",
    ),
    CauseKind(
        "cluster.tls.expired",
        "the API server's certificate is not valid now",
        "the API server's certificate is not valid now",
        "renew the control plane's certificates (kubeadm certs renew, or the provider)",
        "kubeadm certs check-expiration",
    ),
    CauseKind(
        "cluster.tls.hostname_mismatch",
        "the API server's certificate is for another name",
        "the API server's certificate is for another name",
        "reach the server by a name of its certificate, or add this one to it",
        "kubectl cluster-info",
    ),
    CauseKind(
        "cluster.tls.authority_refused",
        "the cluster's authority lacks an extension that RFC 5280 wants (most often keyUsage); Python 3.13 "
        "and newer refuse it",
        "the cluster's authority lacks what RFC 5280 wants of it",
        "issue the authority anew with keyUsage keyCertSign; until then x509_strict = false trusts it as "
        "older Pythons do",
        "kubectl config view --raw -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 "
        "-d | openssl x509 -noout -text",
    ),
    CauseKind(
        "cluster.api.unreachable",
        "the API server does not answer this runner; that says nothing about the system that runs there",
        "the API server does not answer",
        "check the context's server, the VPN, and whether the API server admits this runner's address",
        "kubectl cluster-info",
    ),
    CauseKind(
        "cluster.api.failing",
        "the API server answers 5xx, or what is no answer of an API server",
        "the API server fails",
        "look at the control plane; a proxy in between answers HTML",
        "kubectl get --raw='/readyz?verbose'",
    ),
    CauseKind(
        "cluster.api.throttled",
        "the API server answers 429 for longer than Retry-After was kept",
        "the API server takes no more requests for now",
        "wait, or give the runner's account its own priority level",
        "kubectl get --raw=/metrics | grep apiserver_flowcontrol_rejected_requests_total",
    ),
    CauseKind(
        "cluster.api.answer_too_large",
        "one object, or a list in its smallest parts, is larger than is read",
        "an answer of the API server is larger than is read",
        "narrow it with `selector`; look for objects that have grown",
        "kubectl -n {namespace} get events,configmaps -o name | wc -l",
    ),
    CauseKind(
        "cluster.api.not_found",
        "the API server does not serve what a promise needs, or it was not read",
        "the API server does not have it",
        "install what is missing, or leave the promise out",
        "kubectl api-resources -o name",
    ),
    CauseKind(
        "cluster.namespace.missing",
        "the namespace does not exist; a list of its pods would be empty, and fine",
        "the namespace {namespace} does not exist",
        "correct `namespace`, or create it with the deployment",
        "kubectl get namespaces",
    ),
    CauseKind(
        "cluster.rbac.forbidden",
        "the API server answers 403: our account may not read what a promise needs (R22)",
        "the runner may not read {resource}: what needs it is not judged",
        "grant the rule (prodcheck rbac ENV prints all of them), or drop the check",
        "kubectl auth can-i --list -n {namespace}",
    ),
)
