"""An observation: what one exchange with a target gave, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

Kind = Literal["readiness", "declared", "sample", "fixture", "watch"]
"""Why it was sent: to see whether the target is there, because the configuration declares it, as an extra sample for
a limit, by a test through a fixture, or to see how the target is while load runs."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One exchange. Texts are redacted before they get here; `body` is raw, stays in memory and is in no report."""

    target: str
    """Id of the target: `http`, `http.app`, `database`, `auth`, `graphql`."""
    operation: str
    """What was done, in the field's own words: `GET /api/tasks`, `connect`, `token member`, `query orphans`."""
    kind: Kind = "declared"
    subject: str = ""
    """Name of the declared thing (endpoint, login, query, user, operation); empty for fixtures' own requests."""
    user: str = ""
    """Name of the declared user as whom it was sent; empty for anonymous."""
    started_at: float = 0.0
    """Wall clock, seconds since the epoch."""
    phases: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase: `dns`, `tcp`, `tls` (only on a new connection), `first_byte`, `body`."""
    wall: float = 0.0
    """Seconds from the call to the end, our own overhead included."""
    status: int | None = None
    """HTTP status; None where there is none or none came."""
    code: str = ""
    """The protocol's own error code: SQLSTATE, Hasura's `extensions.code`, an OAuth `error`."""
    error: str = ""
    """Class of a failed exchange (see `ERROR_CLASSES`); empty when an answer came."""
    message: str = ""
    """The server's or the client's words about the error, redacted."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Answer headers, lower-case names, redacted."""
    excerpt: str = ""
    """The beginning of the answer's body, redacted, without control characters, at most 2,000 characters."""
    size: int = 0
    """Bytes of the body that were read."""
    attempt: int = 1
    expected: bool = True
    """Whether the answer was one that the declaration expects (status set, or any status below 500 for fixtures)."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Further JSON-safe facts: the peer's certificate, the token's header, GraphQL errors, rows."""
    body: bytes = field(default=b"", repr=False, compare=False)

    @property
    def latency(self) -> float:
        """Seconds from the request's first byte to the answer's last: what limits judge. Connection set-up is apart."""
        return self.phases.get("first_byte", 0.0) + self.phases.get("body", 0.0)

    @property
    def server_error(self) -> bool:
        """Whether the server answered 5xx."""
        return self.status is not None and self.status >= 500

    def as_json(self) -> dict[str, Any]:
        """The JSON-safe part: everything but the body."""
        fields = asdict(self)
        del fields["body"]
        return fields


USED_UP = "requests of this host are used up"
"""In the message of what was `stopped` by the cap `requests.at_most`, and not by the run's end."""

ERROR_CLASSES: Mapping[str, str] = {
    "dns.not_found": "the host name does not resolve",
    "dns.timeout": "the resolver did not answer in time",
    "tcp.refused": "nothing listens there",
    "tcp.timeout": "packets vanish: firewall, security group or route",
    "tcp.unreachable": "no route to the host or network",
    "tcp.reset": "the connection was reset or closed before an answer",
    "tls.expired": "the certificate has expired",
    "tls.not_yet_valid": "the certificate is not valid yet",
    "tls.untrusted": "the certificate is signed by an issuer that is not trusted",
    "tls.authority_refused": "the authority's own certificate lacks what RFC 5280 wants of it",
    "tls.chain_incomplete": "the intermediate certificate is not sent",
    "tls.hostname_mismatch": "the certificate is for another name",
    "tls.protocol": "no common protocol version, or the port does not speak TLS",
    "tls.client_certificate": "the server wants a client certificate, or rejects ours",
    "timeout": "connected, and no complete answer in time",
    "body.truncated": "the body ended early",
    "body.too_large": "the body is larger than we read",
    "protocol": "the answer is not what the protocol says",
    "redirect.loop": "the same URL came again, or too many redirects",
    "redirect.refused": "a redirect to a host that is not configured, or out of https",
    "refused": "refused by the guard, not sent",
    "proxy": "the proxy refused or failed",
    "stopped": "not sent: the run was stopped or its deadline passed",
    "internal": "our own failure while asking",
}
"""The classes of a failed exchange. `diagnosis` maps them to cause codes by layer."""
