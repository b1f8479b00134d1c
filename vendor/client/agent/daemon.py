"""`vend agent`: from its start to its stop."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import threading
from pathlib import Path

from vendor.client.agent.callers import can_tell_users
from vendor.client.agent.doors import Doors
from vendor.client.agent.guard import token_guard, user_guard
from vendor.client.agent.listener import Listener
from vendor.client.agent.metadata import Metadata
from vendor.client.agent.places import listening, name_of
from vendor.client.agent.vending import Vending, Wish, read_wish
from vendor.client.client import Client
from vendor.client.deadline import Clock
from vendor.client.refusals import UsageError
from vendor.client.retry import insist as _insist  # noqa: F401  # loaded now, lest the first caller wait for it
from vendor.client.wire import Line as _Line  # noqa: F401  # as above

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from vendor.client.agent.guard import Guard

    Say = Callable[[str], object]

DEFAULT = "127.0.0.1:9911"
"""Where an agent listens that is not told where."""


def serve(options: argparse.Namespace, *, environ: Mapping[str, str], say: Say) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP, then end what is under way and return 0. Raises UsageError."""
    wishes = [_wish(each) for each in options.scopes]
    _check(options, wishes)
    clock = Clock()

    def client(token: str | None) -> Client:
        return Client(
            options.url,
            token=token,
            token_file=options.token_file,
            ca_file=options.ca_file,
            timeout=options.timeout,
            environ=environ,
        )

    asking = client(None)  # its URL is refused now and not at the first request
    default = wishes[0] if wishes else Wish(asking.scope_or_default(None), {})
    vending = Vending(lambda token: asking if token is None else client(token), clock=clock, tell=say)
    with contextlib.ExitStack() as stack:
        others = options.pass_through or bool(options.allow_uid or options.token_file_out)
        places = [listening(each, others=others, add=options.add_address) for each in options.listen or [DEFAULT]]
        sockets = [stack.enter_context(each) for each in places]
        doors = _doors(options, vending, default, clock, environ, stack)
        listener = Listener(sockets, doors.answer)
        # Before any thread: each inherits which signals it leaves to `sigwait`. A handler would run in this thread only
        # once it is awake, and a signal that comes just before it sleeps does not wake it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _stopped_by())
        if not options.pass_through:
            for wish in wishes or [default]:
                vending.keep_ready(wish)
        running = [threading.Thread(target=each, daemon=True) for each in (listener.run, vending.renew_ahead)]
        for thread in running:
            thread.start()
        say(f"serving at {', '.join(map(name_of, sockets))}")
        signal.sigwait(_stopped_by())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _stopped_by())  # the second one ends it at once
        listener.stop()
        vending.stop()
        for thread in running:
            thread.join()
    return 0


def _check(options: argparse.Namespace, wishes: Sequence[Wish]) -> None:
    own = {"SCOPE": wishes, "--allow-uid": options.allow_uid, "--token-file-out": options.token_file_out}
    if options.pass_through and (
        given := [name for name, value in {**own, "--imdsv1": options.imdsv1}.items() if value]
    ):
        raise UsageError(f"with --pass-through each caller is served with its own token: {given[0]} has no meaning")
    if not options.pass_through and not options.token_file_out and not can_tell_users():
        raise UsageError("this system does not tell whose program asks: give --token-file-out")


def _doors(
    options: argparse.Namespace,
    vending: Vending,
    default: Wish,
    clock: Clock,
    environ: Mapping[str, str],
    stack: contextlib.ExitStack,
) -> Doors:
    if options.pass_through:
        # Nobody's own token comes with a request for instance metadata, and ours is not for them.
        return Doors(vending, default=default, may=None)
    users = user_guard({os.geteuid(), *options.allow_uid})
    may: Guard = users
    if options.token_file_out:
        token = secrets.token_urlsafe(32)
        stack.enter_context(_kept(Path(options.token_file_out), token))
        may = token_guard(token)
    region = options.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    metadata = Metadata(default, clock=clock, region=region, version_1=options.imdsv1)
    return Doors(vending, default=default, may=may, metadata=metadata, may_metadata=users)


def _stopped_by() -> list[signal.Signals]:
    """Return what ends an agent: also its terminal's end, unless it was started to outlive it."""
    ends = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    return [number for number in ends if signal.getsignal(number) != signal.SIG_IGN]


def _wish(text: str) -> Wish:
    scope, _, query = text.partition("?")
    wish = read_wish(scope, query)
    if wish.scope is None:
        raise UsageError("name the scope in front of the ?")
    return wish


@contextlib.contextmanager
def _kept(path: Path, token: str) -> Iterator[None]:
    """Keep the token in a file of ours alone while entered. Raises UsageError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(token)  # no line end: SDKs send the file as it is
        part.replace(path)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise UsageError(f"the token file {path} cannot be written: {exc.strerror}") from exc
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
