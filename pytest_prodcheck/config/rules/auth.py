"""What must hold between the keys of an auth target."""

from __future__ import annotations

from pytest_prodcheck.config import identity
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import AuthTarget
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.config.rules.checked import Checked

_ALGORITHMS = (*(f"{family}{bits}" for family in ("RS", "PS", "ES", "HS") for bits in (256, 384, 512)), "EdDSA")


def check(checked: Checked, path: KeyPath, target: AuthTarget) -> None:
    """Adds a problem for each key that does not fit the algorithms, or that Hasura would not take."""
    add = checked.problems.add
    for name in target.algorithms:
        if name not in _ALGORITHMS:
            add((*path, "algorithms"), f"unknown or insecure algorithm{nearest(name, _ALGORITHMS)}")
    families = {name[:2] for name in target.algorithms}
    if "HS" in families and target.secret is None:
        add((*path, "algorithms"), "HS algorithms need the shared secret", 'secret = "env:JWT_SECRET"')
    if "HS" in families and len(families) > 1:
        text = "HS algorithms beside others let a public key pass as a shared secret (RFC 8725 §3.1)"
        add((*path, "algorithms"), text)
    if "HS" not in families and target.secret is not None:
        add((*path, "secret"), "a shared secret needs an HS algorithm", 'algorithms = ["HS256"]')
    if families - {"HS"} and not (target.issuer or target.jwks_url):
        add((*path, "algorithms"), "public keys come from an issuer", 'issuer = "https://auth.example/"')
    identity.check(path, target, add)
