"""Load: scenarios that are run against the environment, only where `-m` asks for them and the environment consents."""

import pytest


@pytest.mark.load
def test_load(prodcheck_load, check):
    """The scenario ran to its end, the generator kept up, and its limits hold (A48, C3, C4, C41, C46, C47, T9, T10)."""
    prodcheck_load.observe(check)


@pytest.mark.soak
def test_soak(prodcheck_load, check):
    """The long scenario ran to its end, the generator kept up, and its limits hold (A48, C4)."""
    prodcheck_load.observe(check)


@pytest.mark.load
@pytest.mark.soak
def test_memory(prodcheck_load, check):
    """No container's memory rose by more than promised while load ran (C24, C48, D49)."""
    prodcheck_load.observe(check)


@pytest.mark.load
def test_limits(prodcheck_load, check):
    """The limits over the requests of all scenarios hold (C3, C4, C46, C47)."""
    prodcheck_load.observe(check)
