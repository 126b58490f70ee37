"""Starts Locust as its own command does, with our listeners beside its own.

    python -m pytest_prodcheck.load.child DOWN UP LOCUST-OPTIONS…

DOWN and UP are inherited file descriptors: the order comes by the one, figures go by the other.
"""

from __future__ import annotations

import os
import sys

from pytest_prodcheck.load import order as orders
from pytest_prodcheck.load.child.line import Line


def main() -> None:
    """Takes the order, loads Locust, and hands over to its `main`."""
    line = Line(int(sys.argv[1]), int(sys.argv[2]))
    order = orders.loads(line.first())
    os.environ.update(order.environ)
    sys.argv = ["locust", *sys.argv[3:]]
    line.start()
    from pytest_prodcheck.load.child import session

    session.run(order, line)


main()
