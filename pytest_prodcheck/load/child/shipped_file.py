"""The Locust file of a shipped scenario: the user classes of the order of this process."""

from __future__ import annotations

from pytest_prodcheck.load.shipped import classes

globals().update({kind.__name__: kind for kind in classes()})
