"""`vend`: the client as a command."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from vendor.client.client import TIMEOUT, Client
from vendor.client.options import COMMAND_BEHIND, parameters, read_options
from vendor.client.refusals import Refused, Unreachable, UsageError, readable
from vendor.client.streams import settle

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from vendor.client.credentials import Credentials

_REFUSED, _USAGE, _UNREACHABLE = 1, 2, 3
_INTERRUPTED, _CLOSED = 130, 141


def main(argv: Sequence[str] | None = None, *, environ: Mapping[str, str] | None = None) -> int:
    """Run `vend` and return its exit code: 0 done, 1 refused, 2 usage, 3 the service cannot be reached.

    Also 130 when interrupted and 141 when nobody reads the output any more, as shells count them; `exec` ends as its
    command ends.
    """
    settle()
    try:
        options = _read(sys.argv[1:] if argv is None else argv)
        told = _run(options, os.environ if environ is None else environ)
        return told if isinstance(told, int) else _print(told)
    except Refused as exc:
        return say(str(exc), _REFUSED)
    except UsageError as exc:
        return say(str(exc), _USAGE)
    except Unreachable as exc:
        return say(str(exc), _UNREACHABLE)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as exc:  # noqa: BLE001  # no traceback reaches a user
        return say(f"this should not have happened: {type(exc).__name__}", 1)


def _read(argv: Sequence[str]) -> argparse.Namespace:
    try:
        return read_options(argv)
    except SystemExit:  # argparse has printed what was asked for, as far as that goes
        if unprinted := _print(""):
            raise SystemExit(unprinted) from None
        raise


def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> str | int:
    """Do what a command does; return what to print, or the exit code of one that went on for a while.

    What one command alone needs is imported where it is done: a start must stay short.
    """
    if options.command == "completion":
        from vendor.client.completion import script  # noqa: PLC0415

        return script(options.shell)
    if options.command == "exec" and not options.program:
        raise UsageError(COMMAND_BEHIND)
    if options.command == "agent":
        from vendor.client import cores  # noqa: PLC0415
        from vendor.client.agent.daemon import serve  # noqa: PLC0415

        cores.forbid()
        return serve(options, environ=environ, say=_tell)
    client = Client(
        options.url, token_file=options.token_file, ca_file=options.ca_file, timeout=options.timeout, environ=environ
    )
    return _COMMANDS[options.command](client, options, environ)


def _get(client: Client, options: argparse.Namespace, _: Mapping[str, str]) -> str:
    document = client.document(
        options.scope, parameters=parameters(options.param), duration=options.duration, proof=_proof(options)
    )
    return json.dumps(document, indent=2 if sys.stdout.isatty() else None)


def _env(client: Client, options: argparse.Namespace, _: Mapping[str, str]) -> str:
    from vendor.client.shell import export_lines  # noqa: PLC0415

    return export_lines(_ask(client, options), shell=options.shell)


def _file(client: Client, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from vendor.client import cores  # noqa: PLC0415
    from vendor.client.profile import keep_fresh  # noqa: PLC0415

    cores.forbid()
    return keep_fresh(lambda: _ask(client, options), options, environ=environ, say=_tell)


def _execute(client: Client, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from vendor.client import cores, execution  # noqa: PLC0415
    from vendor.client.agent.vending import Wish  # noqa: PLC0415
    from vendor.client.deadline import Clock  # noqa: PLC0415

    wish = Wish(client.scope_or_default(options.scope), parameters(options.param), options.duration)
    try:
        return execution.run(
            client,
            wish,
            options.program,
            environ=environ,
            clock=Clock(),
            patience=options.timeout or TIMEOUT,
            say=_tell,
            in_environment=options.token_in_environment,
            cores_allowed=cores.forbid(),
        )
    except execution.Unstartable as exc:
        return say(str(exc), exc.code)


def _tell(line: str) -> None:
    say(line, 0)


def _ask(client: Client, options: argparse.Namespace) -> Credentials:
    return client.ask(options.scope, parameters=parameters(options.param), duration=options.duration)


def _proof(options: argparse.Namespace) -> dict[str, str]:
    """Return what a scope may want besides the token."""
    code = {"mfa_code": options.mfa_code} if options.mfa_code else {}
    return code | ({"saml_assertion": _assertion(options.saml_assertion)} if options.saml_assertion else {})


def _assertion(path: str) -> str:
    try:
        return "".join(Path(path).read_text("ascii").split())
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "it is not base64"
        raise UsageError(f"the SAML assertion {path} cannot be read: {reason}") from exc


def _process(client: Client, options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    from vendor.client.kept import Kept, folder_of  # noqa: PLC0415
    from vendor.client.printing import for_process  # noqa: PLC0415

    folder = None if options.no_cache else folder_of(environ)
    if folder is None:
        return json.dumps(for_process(_ask(client, options)))
    wanted = (client.origin, client.scope_or_default(options.scope), parameters(options.param), options.duration)
    kept = Kept(folder, token=client.token(), wanted=wanted)
    return json.dumps(for_process(kept.get(lambda: _ask(client, options), patience=options.timeout or TIMEOUT)))


def _scopes(client: Client, options: argparse.Namespace, _: Mapping[str, str]) -> str:
    from vendor.client.printing import scope_lines, scopes_document  # noqa: PLC0415

    scopes = client.scopes()
    if options.json:
        return scopes_document(scopes)
    return "\n".join([scope.name for scope in scopes] if options.names else scope_lines(scopes))


def _console(client: Client, options: argparse.Namespace, _: Mapping[str, str]) -> str:
    found = client.console(options.scope, parameters=parameters(options.param), duration=options.duration)
    if options.open:
        import webbrowser  # noqa: PLC0415

        if not webbrowser.open(found.url):
            say("no browser could be opened; here is the URL", 0)
    return found.url


_COMMANDS: dict[str, Callable[[Client, argparse.Namespace, Mapping[str, str]], str | int]] = {
    "get": _get,
    "env": _env,
    "exec": _execute,
    "process": _process,
    "file": _file,
    "scopes": _scopes,
    "console": _console,
}


def say(line: str, code: int) -> int:
    """Tell people something on stderr and return `code`."""
    sys.stderr.write(f"vend: {readable(line)}\n")
    return code


def _print(text: str) -> int:
    try:
        if text:
            sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError as exc:
        # What is still buffered would be written, and fail again with a traceback, when the interpreter ends.
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        return _CLOSED if isinstance(exc, BrokenPipeError) else say(f"the output cannot be written: {exc.strerror}", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
