"""Compose files are read by compose's own rules, and what is wrong with them has its line (B48)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_prodcheck.config.compose import values
from pytest_prodcheck.config.compose.interpolation import Variables
from pytest_prodcheck.config.compose.model import ComposeFile, DeclaredHealth, DeclaredPort, Remark, Service
from pytest_prodcheck.config.compose.reader import read
from pytest_prodcheck.criteria.containers.document import document
from pytest_prodcheck.errors import ConfigError


def written(folder: Path, text: str, environ: dict[str, str] | None = None, name: str = "compose.yml") -> ComposeFile:
    """A compose file, read."""
    (folder / name).write_text(text)
    return read([folder / name], environ or {})


def service(folder: Path, text: str, environ: dict[str, str] | None = None) -> Service:
    """The one service `app` with these keys."""
    return written(folder, f"services:\n  app:\n    {text}\n", environ).services["app"]


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ('ports: ["8000:8000"]', [DeclaredPort(8000, "tcp", (8000, 8000))]),
        ('ports: ["127.0.0.1:8001:80/udp"]', [DeclaredPort(80, "udp", (8001, 8001), "127.0.0.1")]),
        ('ports: ["[::1]:8001:80"]', [DeclaredPort(80, "tcp", (8001, 8001), "::1")]),
        ('ports: ["127.0.0.1::80"]', [DeclaredPort(80, "tcp", None, "127.0.0.1")]),
        ("ports: [80]", [DeclaredPort(80)]),
        ('ports: ["9000-9001:80-81"]', [DeclaredPort(80, "tcp", (9000, 9000)), DeclaredPort(81, "tcp", (9001, 9001))]),
        ('ports: ["9000-9005:80"]', [DeclaredPort(80, "tcp", (9000, 9005))]),
        ('ports: [{target: 80, published: "8080", host_ip: 127.0.0.1}]',
         [DeclaredPort(80, "tcp", (8080, 8080), "127.0.0.1")]),
        ("ports: [{target: 80}]", [DeclaredPort(80)]),
        ('ports: ["${PORT:-8000}:80"]', [DeclaredPort(80, "tcp", (8000, 8000))]),
    ],
)  # fmt: skip
def test_ports_in_all_forms(tmp_path: Path, text: str, ports: list[DeclaredPort]) -> None:
    """Short, with an address, as a range, long; with a variable (B59)."""
    assert list(service(tmp_path, text).ports) == ports


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("mem_limit: 512m", "memory", 512 << 20),
        ("mem_limit: 1073741824", "memory", 1 << 30),
        ("deploy: {resources: {limits: {memory: 2G, cpus: '0.5'}}}", "memory", 2 << 30),
        ("deploy: {resources: {limits: {memory: 2G, cpus: '0.5'}}}", "cpus", 0.5),
        ("deploy: {resources: {reservations: {memory: 1gb}}}", "reservation", 1 << 30),
        ("deploy: {replicas: 3}", "replicas", 3),
        ("scale: 2", "replicas", 2),
        ("volumes: ['data:/data', '/var', './a:/b/:ro']", "volumes", {"/data": "data", "/var": "", "/b": "./a"}),
        ("volumes: [{type: bind, source: ./a, target: /b}]", "volumes", {"/b": "./a"}),
        ("healthcheck: {test: curl -f http://localhost}", "health",
         DeclaredHealth(("CMD-SHELL", "curl -f http://localhost"))),
        ("healthcheck: {test: [NONE]}", "health", DeclaredHealth(("NONE",), disabled=True)),
        ("healthcheck: {disable: true}", "health", DeclaredHealth((), disabled=True)),
        ("logging: {driver: local, options: {max-size: 10m}}", "log_options", {"max-size": "10m"}),
        ("depends_on: [db, cache]", "depends_on", ("db", "cache")),
        ("profiles: [debug]", "optional", True),
        ("image: 'app:$$1'", "image", "app:$1"),
    ],
)  # fmt: skip
def test_keys_in_all_forms(tmp_path: Path, text: str, key: str, value: Any) -> None:
    """What is written means what compose takes it for (B51)."""
    assert getattr(service(tmp_path, text), key) == value


@pytest.mark.parametrize(
    ("text", "filled", "unset"),
    [
        ("app:$TAG", "app:7", []),
        ("app:${TAG}", "app:7", []),
        ("app:${TAG:-1}", "app:7", []),
        ("app:${EMPTY:-1}", "app:1", []),
        ("app:${EMPTY-1}", "app:", []),
        ("app:${NONE-1}", "app:1", []),
        ("app:${NONE:-${TAG}}", "app:7", []),
        ("app:${TAG:+set}", "app:set", []),
        ("app:${NONE:+set}", "app:", []),
        ("app:${NONE}", "app:", ["NONE"]),
        ("app:${NONE:?must be set}", "app:", ["NONE"]),
        ("$$TAG", "$TAG", []),
        ("${not closed", "${not closed", []),
    ],
)
def test_variables_by_the_rules_of_compose(text: str, filled: str, unset: list[str]) -> None:
    """With defaults, alternatives and messages; what has no value is remembered."""
    variables = Variables({"TAG": "7", "EMPTY": ""})
    assert variables.fill(text) == filled
    assert variables.unset == unset


def test_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    """As compose has it; a comment and quotes are not part of a value."""
    (tmp_path / ".env").write_text("TAG=1\nexport NAME='my app' # the name\n# A=B\nPORT = 80 # http\n")
    text = 'image: "${NAME}:${TAG}"\n    ports: ["${PORT}"]'
    assert service(tmp_path, text).image == "my app:1"
    found = service(tmp_path, text, {"TAG": "2"})
    assert (found.image, found.ports) == ("my app:2", (DeclaredPort(80),))


def test_a_value_without_its_variable_is_not_guessed(tmp_path: Path) -> None:
    """The key is left out, and the service knows why; other keys are not touched."""
    found = service(tmp_path, 'image: "app:${TAG}"\n    ports: ["${PORT}:80", "81"]')
    assert found.image == ""
    assert found.ports == (DeclaredPort(81),)
    assert found.unset == {"image": "TAG", "ports": "PORT"}


def test_what_is_wrong_has_its_line(tmp_path: Path) -> None:
    """Unknown keys with the nearest known one, the obsolete version, values that are none; a key of one's own is not
    wrong."""
    file = written(
        tmp_path,
        "version: '3'\nx-mine: 1\nservices:\n  app:\n    helthcheck: {}\n    x-note: 1\n    mem_limit: lots\n"
        "    healthcheck:\n      tset: a\n    ports: ['http']\nvolume: {}\n",
    )
    assert [(one.code, one.severity, one.message) for one in document(file, "cluster")] == [
        ("cluster.compose.obsolete_version", "warning",
         "compose.yml:1: version is obsolete: compose ignores it and warns at every start"),
        ("cluster.compose.unknown_key", "error", "compose.yml:11: compose knows no key volume; did you mean volumes?"),
        ("cluster.compose.unknown_key", "error",
         "compose.yml:5: compose knows no key services.app.helthcheck; did you mean healthcheck?"),
        ("cluster.compose.unknown_key", "error",
         "compose.yml:9: compose knows no key services.app.healthcheck.tset; did you mean test?"),
        ("cluster.compose.invalid_value", "error",
         "compose.yml:10: services.app.ports is no port: write it like 8000:8000"),
        ("cluster.compose.invalid_value", "error",
         "compose.yml:7: services.app.mem_limit is no size: write it like 512m or 2g"),
    ]  # fmt: skip


def test_several_files_are_one(tmp_path: Path) -> None:
    """Tables merge, ports add up, other values replace: the last one wins."""
    (tmp_path / "a.yml").write_text("services:\n  app: {image: 'app:1', ports: ['80'], mem_limit: 1g}\n")
    (tmp_path / "b.yml").write_text("services:\n  app: {image: 'app:2', ports: ['80', '81']}\n  db: {image: 'pg'}\n")
    file = read([tmp_path / "a.yml", tmp_path / "b.yml"], {})
    app = file.services["app"]
    assert (app.image, app.ports, app.memory) == ("app:2", (DeclaredPort(80), DeclaredPort(81)), 1 << 30)
    assert (list(file.services), file.names) == (["app", "db"], ("a.yml", "b.yml"))


def test_anchors_are_followed(tmp_path: Path) -> None:
    """`<<` merges as YAML has it."""
    file = written(tmp_path, "x-a: &a {mem_limit: 1g}\nservices:\n  app: {<<: *a, image: x}\n")
    assert file.services["app"].memory == 1 << 30
    assert file.remarks == ()


def test_who_ends_by_itself_is_known(tmp_path: Path) -> None:
    """A service that another waits for with service_completed_successfully."""
    file = written(
        tmp_path, "services:\n  m: {}\n  app: {depends_on: {m: {condition: service_completed_successfully}}}\n"
    )
    assert [name for name, one in file.services.items() if one.finishes] == ["m"]


@pytest.mark.parametrize(
    ("text", "environ", "project", "named"),
    [
        ("", {}, "", "myshop_v2"),
        ("name: other\n", {}, "", "other"),
        ("", {"COMPOSE_PROJECT_NAME": "Third"}, "", "third"),
        ("name: other\n", {}, "mine", "mine"),
    ],
)
def test_the_project_has_composes_name(
    tmp_path: Path, text: str, environ: dict[str, str], project: str, named: str
) -> None:
    """Declared, of the file, of the environment, of the folder."""
    folder = tmp_path / "My Shop_v2"
    folder.mkdir()
    (folder / "compose.yml").write_text(f"{text}services: {{app: {{}}}}\n")
    assert read([folder / "compose.yml"], environ, project).project == named


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"services: {app: {}}\ninclude: [other.yml]", "include is not followed; docker compose config -o merged.yml"),
        (b"services: {app: {extends: {service: base}}}", "services.app: extends is not followed"),
        (b"services:\n  app: {\n", "compose.yml:3: not YAML"),
        (b"a: 1", "declares no services: is it a compose file?"),
        (b"services: []", "declares no services"),
        (b"", "declares no services"),
        (b"- a", "declares no services"),
        (b"services: {app: {image: \xff}}", "not UTF-8 at byte 24"),
        (b"services: !!python/object:os.system {}", "not YAML"),
        (b"x" * 1_000_001, "is longer than 1,000,000 bytes"),
        (b"services: " + b"[" * 3000, "not YAML"),
    ],
)
def test_what_is_no_compose_file_is_said(tmp_path: Path, content: bytes, part: str) -> None:
    """One clear problem, before anything is asked."""
    (tmp_path / "compose.yml").write_bytes(content)
    with pytest.raises(ConfigError, match=r".") as raised:
        read([tmp_path / "compose.yml"], {})
    assert part in str(raised.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With the system's own words."""
    with pytest.raises(ConfigError, match=r"compose\.yml: cannot be read: No such file or directory"):
        read([tmp_path / "compose.yml"], {})


def test_hostile_shapes_are_not_followed(tmp_path: Path) -> None:
    """Any type may stand anywhere: nothing is promised then, and nothing breaks."""
    text = (
        "services:\n  a: 1\n  b: {image: [x], ports: {a: b}, volumes: [1, {}, null], healthcheck: 3, deploy: [], "
        "logging: x, depends_on: 5, mem_limit: {}, cpus: [], profiles: 1}\n  3: {}\n"
    )
    file = written(tmp_path, text)
    assert list(file.services) == ["a", "b", "3"]
    assert file.services["b"].ports == ()
    assert {one.subject for one in file.remarks} >= {"services.b.mem_limit", "services.b.cpus"}


def test_an_alias_bomb_stays_small(tmp_path: Path) -> None:
    """Nine levels of nine aliases are a thousand million values: they are never made."""
    levels = ["x-a: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"x-{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 10)]
    used = "ports: *a9, volumes: *a9, mem_limit: *a9, healthcheck: {test: *a9}, logging: {options: {a: *a9}}"
    file = written(tmp_path, "\n".join([*levels, f"services: {{app: {{image: *a9, labels: *a9, {used}}}}}"]))
    assert file.services["app"].image == ""
    assert {one.kind for one in file.remarks} == {"invalid_value"}


def test_sizes_and_ports_have_their_bounds() -> None:
    """A port beyond 65,535 is none, and a size needs a number."""
    with pytest.raises(ValueError, match="from 1 to 65535"):
        list(values.ports("70000"))
    with pytest.raises(ValueError, match="is no size"):
        values.size("-1m")


def test_a_remark_about_a_variable_is_no_finding_of_the_file() -> None:
    """It is said where it keeps a promise from being judged."""
    assert document(ComposeFile((), "", {}, (Remark("unset_variable", "a:1", "services.app.image", "TAG"),)), "c") == []
