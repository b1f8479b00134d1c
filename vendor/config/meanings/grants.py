"""Meanings of codes about grants, and how much they let in."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

GRANTS: Final = {
    Code.UNKNOWN_ISSUER: Meaning(
        "a grant to an issuer that does not exist",
        why="No token could match it.",
        mend="Correct the name, or add the issuer under `issuers`.",
    ),
    Code.UNKNOWN_ATTRIBUTE: Meaning(
        "an attribute that this issuer never yields",
        why="No token could match the grant.",
        mend="Use one of the attributes that are told, or declare it under the issuer's `attributes`.",
    ),
    Code.PINS_NOTHING: Meaning(
        "a grant that every token of its issuer satisfies",
        why="Whoever gets a token of the issuer at all has the scope.",
        mend="Add an attribute that only the meant workload has.",
    ),
    Code.STRANGERS: Meaning(
        "a grant that strangers can satisfy",
        why="Anybody can have an account or a repository there, and with it a good token.",
        mend=(
            "Pin the owner: one of the attributes that are told, to a value or to a glob without `*` in the "
            "owner's name."
        ),
    ),
    Code.AUDIT_LETS_STRANGERS: Meaning(
        "`mode: audit` for an issuer that strangers get tokens of",
        why="That mode refuses nobody, so anybody in the world would be given credentials.",
        mend="Use `mode: enforce`, and `vendor replay` to see what a change would refuse.",
    ),
    Code.NEVER_THAT_TYPE: Meaning(
        "a matcher of a type that the attribute never has",
        why="Types must be equal, so no token could match.",
        mend="Write text in quotes, and `{contains: ...}` for an attribute that is a list.",
    ),
    Code.NEVER_THAT_FORM: Meaning(
        "a value or a glob that no value of the attribute looks like",
        why="No token could match; `*` never crosses `:` or `/`.",
        mend="Write it in the form that is told.",
    ),
    Code.PLACE_IN_GRANT: Meaning(
        "a placeholder in a grant",
        why="Grants decide who it is; nothing is filled yet, and the text would be compared as it stands.",
        mend="Write the value itself.",
    ),
    Code.BAD_GLOB: Meaning(
        "a glob that means no more than another writing of it",
        why="A glob without `*` is a value, and `**` crosses no more than `*` does: another meaning may be hoped for.",
        mend="Write the value itself, or a single `*` in each segment.",
    ),
    Code.STAR_ALONE: Meaning(
        "a glob of `*` alone",
        why="It is satisfied by any value, which reads like a limit and is none.",
        mend="Write `{present: true}` if that is meant, or the value.",
    ),
    Code.TAG_IN_GRANT: Meaning(
        "a name that is taken for a request tag",
        why="Who asks AWS for the token chooses its tags, so such a tag proves nothing of who it is.",
        mend="Pin `principal_arn` or `account` too; correct the name if an attribute was meant.",
    ),
    Code.SHADOWED_GRANT: Meaning(
        "a grant that lets nobody in whom an earlier one does not",
        why="It decides nothing, so that taking it away would take nothing away: the earlier one may be too wide.",
        mend="Delete it, or narrow the earlier one.",
    ),
    Code.WIDER_SCOPE: Meaning(
        "a grant to whom a wider scope of the same role is granted as well",
        why="Whoever is let in can ask for the wider scope, so that the limits of this one limit nobody.",
        mend="Take the wider scope from them, or give the two scopes roles of their own; leave it if callers choose.",
    ),
}
