"""`vendor`: the service and its operators' commands."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

EXTRA = 'vendor needs the service\'s libraries: pip install "credential-vendor[server]"'


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 refused or failed, 2 usage."""
    if importlib.util.find_spec("aiohttp") is None:
        print(EXTRA, file=sys.stderr)
        return 1
    try:
        options = _parser().parse_args(arguments)
        code = int(options.run(options))
        sys.stdout.flush()
    except ModuleNotFoundError as exc:
        if (exc.name or "").startswith("vendor"):
            raise
        print(EXTRA, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as exc:
        # Our output cannot be written; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(exc, BrokenPipeError):  # who read it has gone, and knows
            print(f"vendor: {exc}", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vendor", description="Takes a workload's JWT and vends least-privilege, short-lived AWS credentials."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="serve a configuration")
    serve.add_argument("--config", type=Path, required=True, metavar="F", help="the configuration file")
    serve.set_defaults(run=_serve)

    check = commands.add_parser("check", help="check a configuration and say everything that is wrong with it")
    check.add_argument("config", type=Path, metavar="F", help="the configuration file")
    check.add_argument("--format", choices=("text", "json"), default="text", help="how findings are written")
    check.set_defaults(run=_check)

    schema = commands.add_parser("schema", help="print the JSON Schema of the configuration")
    schema.set_defaults(run=_schema)

    demo = commands.add_parser("demo", help="an embedded cloud, an issuer and the service, on loopback")
    demo.add_argument("--once", action="store_true", help="show one exchange end to end and exit")
    demo.set_defaults(run=_demo)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - only when asked for

        print(f"vendor {version('credential-vendor')}")
        parser.exit()


def _serve(options: argparse.Namespace) -> int:
    from vendor import config, serve  # noqa: PLC0415 - each command loads only what it needs

    try:
        configuration = config.load(options.config, environ=os.environ)
    except config.ConfigurationError as exc:
        for finding in exc.findings:
            print(finding, file=sys.stderr)
        return 1
    return serve.run(configuration)


def _check(options: argparse.Namespace) -> int:
    from vendor import config  # noqa: PLC0415

    try:
        configuration = config.load(options.config, environ=os.environ)
    except config.ConfigurationError as exc:
        findings, good = exc.findings, False
        summary = ""
    else:
        findings, good = configuration.warnings, True
        summary = f"{len(configuration.issuers)} issuers, {len(configuration.scopes)} scopes"
    if options.format == "json":
        print(json.dumps({"ok": good, "findings": [finding.to_dict() for finding in findings]}, indent=2))
        return 0 if good else 1
    for finding in findings:
        print(finding)
    if good:
        print(f"{options.config}: good: {summary}")
    return 0 if good else 1


def _schema(_options: argparse.Namespace) -> int:
    from vendor import config  # noqa: PLC0415

    print(json.dumps(config.json_schema(), indent=2))
    return 0


def _demo(options: argparse.Namespace) -> int:
    from vendor import demo  # noqa: PLC0415

    return demo.run(once=options.once)


if __name__ == "__main__":
    sys.exit(main())
