"""Tests of a team that pass, skip or warn with a secret at hand; what they say is shown all the same."""

import logging
import os
import warnings

import pytest
from told import Told

secret = os.environ.__getitem__
log = logging.getLogger("team.checks")


def test_logs(prodcheck_http, api_key):
    token = prodcheck_http.get("/echo", as_="member").json()["headers"]["authorization"]
    log.debug("Authorization: %s", token)
    log.info("%(dsn)s", {"dsn": secret("DATABASE_URL")})
    log.warning(secret("PG_PASSWORD"), stack_info=True, extra={"pw": secret("PG_PASSWORD")})
    log.error("headers %r", {"x-key": secret("API_KEY").encode()})
    try:
        {}[secret("PG_PASSWORD")]
    except KeyError:
        log.exception("no")
    log.critical(ValueError(secret("CLOUD_SECRET")))
    log.info("%s and %s", secret("SPECIAL_PASSWORD")[:10], secret("SPECIAL_PASSWORD")[10:])
    log.info("in colour \x1b[1m%s\x1b[0m%s", secret("PG_PASSWORD")[:9], secret("PG_PASSWORD")[9:])


def test_prints(capsys):
    with capsys.disabled():
        print("not captured:", secret("PG_PASSWORD"))
    print(secret("PROBE_PASSWORD"))


def test_warns():
    warnings.warn(f"bad password {secret('PG_PASSWORD')}", stacklevel=1)
    warnings.warn(Told(secret("API_KEY"), "here"), stacklevel=1)
    warnings.warn(ResourceWarning(secret("API_KEY").encode()), stacklevel=1)
    warnings.warn_explicit("odd", UserWarning, "file.py", 1, source=[secret("PG_PASSWORD")])


def test_properties(record_property, record_xml_attribute, record_testsuite_property):
    record_property("key", secret("API_KEY"))
    record_property(secret("VCS_TOKEN"), {"pw": secret("PG_PASSWORD")})
    record_testsuite_property("dsn", secret("DATABASE_URL"))


@pytest.mark.parametrize("url", [f"https://{os.environ['BASIC_PASSWORD']}@db.test/x"])
def test_parameter(url):
    assert url


@pytest.mark.parametrize("data", [os.environ["API_KEY"].encode(), f"x{os.environ['UNICODE_PASSWORD']}"])
def test_parameter_in_bytes(data):
    assert data


def test_skips():
    pytest.skip(f"no {secret('PG_PASSWORD')}")


def test_expected_to_fail():
    pytest.xfail(f"known: {secret('PG_PASSWORD')}")


@pytest.mark.xfail(reason=f"key {os.environ['API_KEY']}")
def test_expected_to_fail_by_mark():
    raise AssertionError(secret("PG_PASSWORD"))


@pytest.mark.allows_server_errors(f"known: {os.environ['PG_PASSWORD']}")
def test_marks():
    assert secret("PG_PASSWORD")


def test_graphql_message(prodcheck_graphql):
    answer = prodcheck_graphql.execute("query { a }", variables={"pw": secret("PROBE_PASSWORD")}, as_="member")
    assert answer.errors, answer
