"""`vend exec`: runs a command that fetches its credentials from a loopback endpoint, always fresh ones.

No AWS secret is in the environment or the arguments of any process: the endpoint's own token goes by a file that the
user alone can read, and is good for as long as the command runs.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from pathlib import Path

from vendor.client.agent.doors import Doors
from vendor.client.agent.guard import token_guard
from vendor.client.agent.listener import Listener
from vendor.client.agent.vending import Vending, Wish
from vendor.client.profile import has_keys
from vendor.client.refusals import UsageError

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from vendor.client.client import Client
    from vendor.client.cores import Allowed
    from vendor.client.deadline import Clock

    Say = Callable[[str], object]

CLEARED = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
"""What SDKs would take credentials from in place of the endpoint."""
_PASSED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)
_OF_TERMINAL = {signal.SIGINT, signal.SIGQUIT}  # typed at a terminal they reach the command without us
_SI_USER = 0  # sent by a process and not by the kernel (sigaction(2))
_BY_SIGNAL = 128
_LOOK = 1.0
"""Seconds after which is looked whether the command has ended, though no signal told of it."""
_NOT_FOUND, _NOT_RUNNABLE = 127, 126  # as shells count them


def run(
    client: Client,
    wish: Wish,
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    clock: Clock,
    patience: float,
    say: Say,
    in_environment: bool = False,
    cores_allowed: Allowed = contextlib.nullcontext,
) -> int:
    """Run a command and return its exit code, 128 and the signal's number when a signal ended it.

    It is started within `cores_allowed`, as what is forbidden to us need not be forbidden to it.

    Nothing is run when no credentials can be had: raises Refused, Unreachable or UsageError.
    """
    # Before any thread, and the first fetch may leave one: each inherits which signals it leaves to `sigwait`.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    had = threading.Event()  # what is told of the first fetch is raised
    vending = Vending(lambda _: client, clock=clock, tell=lambda line: had.is_set() and say(line))
    vending.keep_ready(wish)
    vending.get(wish, patience=patience + 1)
    had.set()
    token = secrets.token_urlsafe(32)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as opened, _folder() as folder:
        listener = Listener([opened], Doors(vending, default=wish, may=token_guard(token)).answer)
        _write(folder / "token", token)
        variables = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{opened.getsockname()[1]}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(folder / "token"),
        }
        if in_environment:
            variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token
        theirs = _environment(environ, variables, folder, say)
        signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # whoever started us may have ignored it: then none is told
        try:
            threading.Thread(target=listener.run, daemon=True).start()
            threading.Thread(target=vending.renew_ahead, daemon=True).start()
            with cores_allowed():
                pid = _start(command, theirs, before)
            return _attend(pid)
        finally:
            listener.stop()
            vending.stop()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _environment(environ: Mapping[str, str], variables: Mapping[str, str], folder: Path, say: Say) -> dict[str, str]:
    theirs = {name: value for name, value in environ.items() if name not in CLEARED} | dict(variables)
    if cleared := [name for name in CLEARED if environ.get(name)]:
        say(f"not passed on, as SDKs would use it in place of the scope: {', '.join(cleared)}")
    home = environ.get("HOME", "")
    credentials = environ.get("AWS_SHARED_CREDENTIALS_FILE") or f"{home}/.aws/credentials"
    if has_keys(Path(credentials), "default"):
        say(f"hidden, as SDKs would use its profile [default] in place of the scope: {credentials}")
        _write(folder / "credentials", "")
        theirs["AWS_SHARED_CREDENTIALS_FILE"] = str(folder / "credentials")
    config = environ.get("AWS_CONFIG_FILE") or f"{home}/.aws/config"
    if has_keys(Path(config), "default"):
        say(f"the profile [default] of {config} tells of other credentials: some SDKs use them in place of the scope")
    # Where the endpoint refuses, no SDK is to go on to the role of the machine.
    theirs.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    if any(name.lower() in {"http_proxy", "https_proxy", "all_proxy"} for name in environ):
        bypassed = [environ.get("no_proxy") or environ.get("NO_PROXY"), "127.0.0.1", "localhost"]
        theirs["no_proxy"] = theirs["NO_PROXY"] = ",".join(each for each in bypassed if each)
    return theirs


def _start(command: Sequence[str], environ: Mapping[str, str], mask: Collection[int]) -> int:
    """Start a command in our own process group, with the signals as we were given them. Raises Unstartable."""
    path = command[0] if "/" in command[0] else shutil.which(command[0], path=environ.get("PATH", os.defpath))
    try:
        if path is None:
            raise Unstartable(f"{command[0]}: no such command", _NOT_FOUND)
        # What Python ignores for itself, others expect at its default.
        restored = {signal.SIGPIPE, signal.SIGXFSZ}
        return os.posix_spawn(path, list(command), dict(environ), setsigmask=mask, setsigdef=restored)
    except OSError as exc:
        code = _NOT_FOUND if isinstance(exc, FileNotFoundError) else _NOT_RUNNABLE
        raise Unstartable(f"{command[0]}: {exc.strerror}", code) from exc


class Unstartable(Exception):  # noqa: N818  # named like Unreachable
    """A command that cannot be started, and the exit code that says so."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def _attend(pid: int) -> int:
    """Pass signals on until the command ends; stop and go on with it, as the shell in front of us expects."""
    while True:
        number, sent = _next()
        if number == signal.SIGCHLD:
            if (code := _ended(pid)) is not None:
                return code
        elif sent or number not in _OF_TERMINAL:
            with contextlib.suppress(ProcessLookupError):
                group = os.getpgid(pid)
                os.kill(pid, number) if group == os.getpgrp() else os.killpg(group, number)


def _ended(pid: int) -> int | None:
    """Return the exit code of a command, None while it runs; the first process of a container buries others too."""
    while True:
        found, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        if found == 0:
            return None
        if found == pid and not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else _BY_SIGNAL - code
        # One of our own group that stops was stopped together with us. A shell has a group of its own.
        if found == pid and os.getpgid(pid) != os.getpgrp():
            os.kill(os.getpid(), signal.SIGSTOP)  # whoever lets us go on sends SIGCONT, which is passed on


def _next() -> tuple[int, bool]:
    """Return the next signal, and whether a process sent it; where that cannot be known, a terminal's came from one."""
    waited = {*_PASSED, signal.SIGCHLD}
    if hasattr(signal, "sigtimedwait"):
        found = signal.sigtimedwait(waited, _LOOK)
        # A thread that began before ours left the signal to us may have had it: then a look is what it told to do.
        return (signal.SIGCHLD, False) if found is None else (found.si_signo, found.si_code <= _SI_USER)
    return signal.sigwait(waited), not os.isatty(0)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that is ours alone, and remove it in the end."""
    made = tempfile.mkdtemp(prefix="vend-")  # 0700
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)  # no line end: SDKs send the file as it is
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc
