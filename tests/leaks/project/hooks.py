"""The conftest of a team that is careless with what it knows."""

import os
import sys
import warnings

import pytest

PW = os.environ["PG_PASSWORD"]


@pytest.fixture
def api_key():
    """A key as a plain string."""
    print("set up with", os.environ["API_KEY"])
    yield os.environ["API_KEY"]
    print("torn down with", os.environ["API_KEY"])


@pytest.fixture
def broken_teardown():
    """Fails after the test."""
    yield
    key = os.environ["HASURA_ADMIN_SECRET"]
    raise RuntimeError(f"no log-out with {key}")


def pytest_report_header():
    """Prints what nobody needs."""
    return [f"database: {os.environ['DATABASE_URL']}"]


def pytest_sessionstart():
    """Prints where nothing is captured."""
    print(f"to stdout: {PW}")
    sys.stderr.write(f"to stderr: {PW}\n")


def pytest_sessionfinish():
    """The same at the end."""
    print(f"finishing with {PW}")


def pytest_collection_finish():
    """Warns outside any test."""
    warnings.warn(f"collected with {os.environ['CLOUD_SECRET']}", stacklevel=1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Adds sections and attributes of its own to reports."""
    report = yield
    report.sections.append(("Extra", f"section {os.environ['TOTP_SEED']}"))
    report.user_properties.append(("extra", os.environ["VCS_TOKEN"]))
    report.extra_text = f"{os.environ['VCS_TOKEN']}"
    report.extra_data = {"key": [os.environ["VCS_TOKEN"]]}
    return report


def pytest_terminal_summary(terminalreporter):
    """A summary of its own."""
    terminalreporter.section(f"team {os.environ['API_KEY']}")
    terminalreporter.write_line(f"used {os.environ['SECRET_KEY'].upper()}")
    terminalreporter.write("in two ")
    terminalreporter.write(f"parts {PW}\n")
