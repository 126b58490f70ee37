"""The command `prodcheck`: everything about a gate that is not a run of it.

Exit status 0, or 4 for a usage problem; `doctor`, `pin` and `diff` have 1 for what is not ready, or differs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_prodcheck.errors import ProdcheckError, UsageProblem

if TYPE_CHECKING:
    from pytest_prodcheck.config.models import Environment
    from pytest_prodcheck.config.references import Resolved

OK, USAGE = 0, 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `prodcheck ARGUMENTS`; returns its exit status. Problems go to stderr, one a line, without a traceback."""
    try:
        options = _parser().parse_args(arguments)
        status: int = options.run(options)
        sys.stdout.flush()
    except ProdcheckError as error:
        print(f"prodcheck: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # `prodcheck faults | head -1`; keep the interpreter's own flush at exit quiet too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return status


class _Parser(argparse.ArgumentParser):
    """argparse with exit status 4: 2 means "interrupted" for pytest, and so for whoever reads our statuses."""

    def error(self, message: str) -> None:  # type: ignore[override]  # argparse says NoReturn; exit() does not return
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"prodcheck: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="prodcheck", description="Around the gate `pytest --prodcheck=ENV`.")
    parser.add_argument("--version", action="version", version=f"prodcheck {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    init = commands.add_parser("init", help="write a commented prodcheck.toml, never over an existing one")
    init.add_argument("--path", type=Path, default=Path("prodcheck.toml"), help="where (default: %(default)s)")
    init.set_defaults(run=_init)
    doctor = commands.add_parser("doctor", help="validate an environment, resolve its references, try its targets")
    doctor.add_argument("environment", metavar="ENV")
    doctor.add_argument("--offline", action="store_true", help="validate and list references; resolve and send nothing")
    doctor.add_argument("--config", metavar="PATH", help="another configuration file")
    doctor.set_defaults(run=_doctor)
    pin = commands.add_parser("pin", help="read an environment, show what differs from its contract files, write them")
    pin.add_argument("environment", metavar="ENV")
    pin.add_argument("--only", metavar="TARGETS", default="", help="these targets alone, separated by commas")
    pin.add_argument("--dry-run", action="store_true", help="show what differs; write nothing")
    pin.add_argument("--config", metavar="PATH", help="another configuration file")
    pin.set_defaults(run=_pin)
    diff = commands.add_parser("diff", help="compare the schemas of two environments; exit status 1 where they differ")
    diff.add_argument("environment", metavar="ENV", help="what is promised")
    diff.add_argument("other", metavar="OTHER", help="what is compared with it")
    diff.add_argument("--config", metavar="PATH", help="another configuration file")
    diff.set_defaults(run=_diff)
    rbac = commands.add_parser("rbac", help="print the Role that an environment's cluster checks need, and no more")
    rbac.add_argument("environment", metavar="ENV")
    rbac.add_argument("--config", metavar="PATH", help="another configuration file")
    rbac.set_defaults(run=_rbac)
    schema = commands.add_parser("schema", help="print a JSON Schema: of prodcheck.toml, or of verdict.json")
    schema.add_argument("what", choices=("config", "verdict"))
    schema.set_defaults(run=_schema)
    faults = commands.add_parser("faults", help="list the faults of --prodcheck=demo:FAULT")
    faults.set_defaults(run=_faults)
    explain = commands.add_parser("explain", help="explain a cause code")
    explain.add_argument("code", metavar="CODE")
    explain.set_defaults(run=_explain)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pytest-prodcheck")
    except PackageNotFoundError:
        return "(not installed)"


def _init(options: argparse.Namespace) -> int:
    path: Path = options.path / "prodcheck.toml" if options.path.is_dir() else options.path
    text = resources.files("pytest_prodcheck").joinpath("init_template.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageProblem(f"{path} exists and is left as it is; write another with --path") from None
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror}") from None
    print(f"wrote {path}; next: put in your addresses, then prodcheck doctor staging --offline")
    return OK


def _doctor(options: argparse.Namespace) -> int:
    from pytest_prodcheck.config import loader, references

    path = loader.find(Path.cwd(), Path.cwd(), options.config)
    environment = loader.load(path, options.environment)
    if problems := import_module("pytest_prodcheck.gate.soundness").unsound(environment):
        raise UsageProblem(*problems)
    print(f"{path}: environment {environment.name} ({environment.kind}) is valid")
    for target_id, target in environment.targets.items():
        print(f"  target {target_id}{'' if target.required else ' (not required)'}")
    if options.offline:
        _list_references(environment, {})
        print("offline: no reference was resolved, nothing was sent")
        return OK
    base = Path(environment.base)
    resolved = references.resolve(
        environment, base=base, environ=os.environ, commands=environment.commands, run="doctor"
    )
    _list_references(environment, resolved.lengths)
    for warning in resolved.warnings:
        print(f"  warning: {warning}")
    return _try_targets(resolved)


def _list_references(environment: Environment, lengths: Mapping[str, str]) -> None:
    from pytest_prodcheck.config import references
    from pytest_prodcheck.config.key_path import dotted

    for reference, path in references.places(environment):
        length = f" ({lengths[reference]})" if reference in lengths else ""
        place = environment.where(*map(str, path))
        print(f"  reference {references.shown(reference)}{length} for {dotted(path)} ({place})")


def _try_targets(resolved: Resolved) -> int:
    doctor = import_module("pytest_prodcheck.gate.doctor")
    status: int = doctor.try_targets(resolved.environment, secrets=resolved.secrets)
    return status


def _pin(options: argparse.Namespace) -> int:
    resolved = _resolved(options.config, options.environment, "pin")
    only = [name for name in options.only.split(",") if name]
    module = import_module("pytest_prodcheck.gate.pin")
    status: int = module.pin(resolved.environment, resolved.secrets, only, write=not options.dry_run)
    return status


def _diff(options: argparse.Namespace) -> int:
    one, other = (_resolved(options.config, name, "diff") for name in (options.environment, options.other))
    module = import_module("pytest_prodcheck.gate.pin")
    status: int = module.diff(one.environment, other.environment, [*one.secrets, *other.secrets])
    return status


def _resolved(config: str | None, name: str, run: str) -> Resolved:
    """An environment whose contracts may still be missing, with its references resolved."""
    from pytest_prodcheck.config import loader, references

    environment = loader.load(loader.find(Path.cwd(), Path.cwd(), config), name, pinning=True)
    base = Path(environment.base)
    resolved = references.resolve(environment, base=base, environ=os.environ, commands=environment.commands, run=run)
    for warning in resolved.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return resolved


def _rbac(options: argparse.Namespace) -> int:
    from pytest_prodcheck.config import loader

    environment = loader.load(loader.find(Path.cwd(), Path.cwd(), options.config), options.environment)
    lines: list[str] = import_module("pytest_prodcheck.gate.rbac").lines(environment)
    print("\n".join(lines))
    return OK


def _schema(options: argparse.Namespace) -> int:
    import json

    if options.what == "config":
        from pytest_prodcheck.config import schema

        print(json.dumps(schema.config(), indent=2))
    else:
        print(resources.files("pytest_prodcheck").joinpath("report/verdict.schema.json").read_text("utf-8").rstrip())
    return OK


def _faults(_: argparse.Namespace) -> int:
    faults: Mapping[str, object] = import_module("pytest_prodcheck.demo.faults").FAULTS
    width = max(map(len, faults), default=0)
    for name, fault in sorted(faults.items()):
        print(f"{name:{width}}  {getattr(fault, 'summary', '')}".rstrip())
    return OK


def _explain(options: argparse.Namespace) -> int:
    print(import_module("pytest_prodcheck.diagnosis.explain").explain(options.code))
    return OK


if __name__ == "__main__":
    sys.exit(main())
