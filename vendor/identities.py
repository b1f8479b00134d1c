"""The part of the composition root that is about the service's own identities: where each target's comes from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aiobotocore.session import AioSession

from vendor.config.values import AccessKey, TokenFile
from vendor.files import Changes, Followed
from vendor.mint import sources
from vendor.mint.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.config.values import Target
    from vendor.mint.asking import Asking, Clock


def identity_of(
    target: Target, *, asking: Callable[[], Asking], clock: Clock, told: Callable[[Identity], None]
) -> Identity:
    """Return the identity that a target is asked with; `asking` is who asks it, once there is one."""
    said = target.identity
    made = partial(Identity, target=target.name, clock=clock, told=told)
    if isinstance(said, AccessKey):
        return made(source=sources.AccessKey(access_key_id=said.id, read=Followed(said.secret_file).read))
    if isinstance(said, TokenFile):
        read = Followed(said.file).read
        return made(source=sources.TokenFile(role=said.role, read=read, asking=asking, clock=clock))
    session = partial(AioSession, profile=said and said.name)
    return made(source=sources.Ambient(make=session), changed=Changes(*_files(session())).seen)


def _files(aws: AioSession) -> list[Path]:
    """Return the files of AWS's own configuration that there may be."""
    named = (aws.get_config_variable(name) for name in ("credentials_file", "config_file"))
    return [Path(file).expanduser() for file in named if file]
