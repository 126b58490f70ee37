"""Tests of a team that fail with a secret at hand, one leak each."""

import base64
import json
import os
import subprocess
import sys
import threading

import pytest

secret = os.environ.__getitem__


def test_both_sides_of_an_assertion(prodcheck_http):
    body = prodcheck_http.get("/echo", as_="member").json()
    assert body["headers"]["authorization"] == "x"


def test_dsn_in_a_local():
    dsn = secret("DATABASE_URL")
    assert dsn is None


def test_key_from_a_fixture(api_key):
    assert len(api_key) == 0


def fetch(client_secret, user="probe"):
    raise ConnectionError(f"refused for {user}")


def test_arguments_of_a_helper():
    fetch(client_secret=secret("OIDC_CLIENT_SECRET"))


def test_the_whole_environment():
    assert dict(os.environ) == {}


def test_printed_and_captured():
    print(secret("PROBE_PASSWORD"))
    print(secret("SPECIAL_PASSWORD"), file=sys.stderr)
    os.write(1, (secret("PG_PASSWORD") + " by the descriptor\n").encode())
    subprocess.run([sys.executable, "-c", "import os; print(os.environ['PG_PASSWORD'])"], check=True)
    raise AssertionError


def connect(password):
    raise ConnectionError(f"FATAL: password {password} rejected")


def test_exception_chain():
    try:
        connect(secret("PG_PASSWORD"))
    except ConnectionError as error:
        raise RuntimeError("db") from error


def test_exception_group():
    raise ExceptionGroup("all", [ValueError(secret("PG_PASSWORD")), KeyError(secret("API_KEY"))])


def test_exception_notes():
    error = ValueError("no")
    error.add_note(f"tried {secret('API_KEY')}")
    raise error


def test_database_error_objects():
    psycopg = pytest.importorskip("psycopg")
    try:
        psycopg.connect(f"host=127.0.0.1 port=1 user=app password={secret('PG_PASSWORD')} connect_timeout=1")
    except psycopg.OperationalError as error:
        kept, connection = vars(error), error.pgconn
        assert kept == {}, connection


def test_bytes_and_codes():
    data = secret("SPECIAL_PASSWORD").encode()
    coded = base64.b64encode(b"client:" + data)
    header = {"Authorization": b"Basic " + coded, "hex": data.hex(), "numbers": list(data)}
    assert header == data


def test_client_objects(prodcheck_http):
    client = pytest.importorskip("httpx2")
    request = client.Request("GET", f"https://{secret('BASIC_PASSWORD')}@api.test/x?api_key={secret('API_KEY')}")
    request.headers["x-hasura-admin-secret"] = secret("HASURA_ADMIN_SECRET")
    request.headers["cookie"] = f"sid={secret('TOTP_SEED')}"
    auth = client.BasicAuth("probe", secret("PROBE_PASSWORD"))
    shown = vars(auth), request.headers, dict(request.headers)
    assert request is None, shown


def test_status_error_with_the_url(prodcheck_http):
    prodcheck_http.get("/echo/500", params={"api_key": secret("API_KEY")}).raise_for_status()


def test_unicode_error():
    pw = secret("UNICODE_PASSWORD")
    pw.encode("latin-1")


def test_key_error():
    {}[secret("REGEX_META")]


def test_multi_line_values():
    key = secret("CLIENT_KEY")
    second = key.splitlines()[2]
    assert key == second


def test_thread():
    def work():
        raise ValueError(secret("STATIC_TOKEN"), {"and": secret("API_KEY")})

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_teardown(broken_teardown):
    print("body", secret("HASURA_ADMIN_SECRET"))


def test_what_the_login_gave(prodcheck_env, prodcheck_http):
    answer = prodcheck_http.request("GET", "/echo", as_="member")
    cookies = prodcheck_http.get("/login-page").headers
    assert answer.json() == 1, (prodcheck_env, cookies, vars(prodcheck_http))


def test_json_of_everything():
    text = json.dumps(json.dumps(dict(os.environ)))
    raise AssertionError(text)
