"""Scopes: the meaning of their shapes, and what can be proven of them before anybody asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vendor.config import linting, mints, overlaps, passed, proof, sessions, shape
from vendor.config.codes import Code
from vendor.config.grants import grant, parameter
from vendor.config.reading import Reading, Surroundings
from vendor.identity import attributes
from vendor.policy.grant import Scope

if TYPE_CHECKING:
    from vendor.config.document import Document
    from vendor.config.findings import Path
    from vendor.config.values import Target

_PARENT: Final = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}", re.ASCII)


def scope(document: Document, name: str, said: shape.Scope, around: Surroundings) -> Scope | None:
    """Return a scope, None with findings if anything of it is wrong."""
    reading = Reading(document, name, said, around)
    before = reading.errors
    _read_grants(reading)
    _read_parameters(reading)
    target = _target(reading)
    mint = mints.mint(reading, target)
    session = sessions.session(reading)
    passed.check(reading, target)
    enforced = (said.mode or around.defaults.mode) != "audit"
    _check_use(reading)
    if not enforced:
        _check_mode(reading)
    proof.check(reading)
    if around.lint and target is not None and target.endpoint_url is None:
        linting.check(reading)
    if reading.failed or reading.errors > before or mint is None or target is None:
        return None
    return Scope(
        name=name,
        description=said.description,
        grants=reading.grants,
        parameters=tuple(reading.parameters.values()),
        target=target.name,
        mint=mint,
        session=session,
        enforced=enforced,
    )


def _read_grants(reading: Reading) -> None:
    made = [
        grant(reading.document, (*reading.at, "grants", index), said, reading.around.issuers)
        for index, said in enumerate(reading.said.grants)
    ]
    reading.grants = tuple(one for one in made if one is not None)
    overlaps.check_grants(reading, made)


def _read_parameters(reading: Reading) -> None:
    taken = {name for one in reading.issuers for name in attributes.names(one)}
    for name, said in reading.said.parameters.items():
        at = (*reading.at, "parameters", name)
        if name in taken:
            message = f"{name} is an attribute of a granting issuer already"
            reading.document.find(Code.TAKEN_NAME, at, message, key=True)
        made = parameter(reading.document, at, name, said)
        if said.accounts is not None:
            _check_organization(reading, ("parameters", name, "accounts", "organization"), said.accounts.organization)
        if made is not None:
            reading.parameters[name] = made


def _check_organization(reading: Reading, at: Path, said: shape.Organization) -> None:
    """Find an organization that cannot be asked for its accounts."""
    if said.target not in reading.around.targets:
        reading.find(Code.UNKNOWN_TARGET, (*at, "target"), f"there is no target {said.target}")
    for index, parent in enumerate(said.parents):
        if not _PARENT.fullmatch(parent):
            message = "expected an organizational unit or a root: ou-ab12-11111111 or r-ab12"
            reading.find(Code.ORGANIZATION, (*at, "parents", index), message)


def _target(reading: Reading) -> Target | None:
    name = reading.said.target or reading.around.defaults.target
    if name is None:
        reading.find(Code.UNKNOWN_TARGET, (), "target is missing", of=("target",))
        return None
    if name not in reading.around.targets:
        reading.find(Code.UNKNOWN_TARGET, ("target",), f"there is no target {name}")
    return reading.around.targets.get(name)


def _check_use(reading: Reading) -> None:
    for name in reading.said.parameters.keys() - reading.filled:
        reading.find(Code.UNUSED_PARAMETER, ("parameters", name), "no place uses this parameter", key=True)


def _check_mode(reading: Reading) -> None:
    """Find a scope that every token of an issuer is good for, where strangers get such tokens (T14)."""
    for one in reading.issuers:
        if attributes.RULES[one.kind].strangers(one.url) is not None:
            message = f"mode audit refuses no token of {one.name}, and strangers get such tokens too"
            reading.find(Code.AUDIT_LETS_STRANGERS, ("mode",), message)
