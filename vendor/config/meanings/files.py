"""Meanings of codes about files: the included ones, and what is referred to."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

FILES: Final = {
    Code.UNREADABLE: Meaning(
        "a file that cannot be read",
        why="What it says is missing, so nothing is served.",
        mend="Look at its path, its permissions and its size; paths are relative to the file that names them.",
    ),
    Code.INCLUDE_PATTERN: Meaning(
        "an include that leads elsewhere",
        why="Files beyond the configuration's own folder have other owners.",
        mend="Write a path beside the main file or below, with `*` within a name; no `..`, no `**`.",
    ),
    Code.INCLUDE_MISSING: Meaning(
        "an included file that does not exist",
        why="Its scopes would be missing without a word.",
        mend="Correct the path, or use a pattern if the file may be missing.",
    ),
    Code.REPEATED_SCOPE: Meaning(
        "a scope that stands in two files",
        why="Which one holds would be chance, and one team could take over another's.",
        mend="Rename one of the two.",
    ),
    Code.POLICY_FILE: Meaning(
        "a policy file that is no JSON, or has findings of its own",
        why="The session would lack its limits.",
        mend="Write one policy document in JSON, in UTF-8.",
    ),
    Code.REFERENCE_PLACE: Meaning(
        "a reference where none may stand",
        why="A text out of the environment could become a policy, or be told to callers.",
        mend="Write the value itself; references are for issuers, endpoints, addresses and external ids.",
    ),
    Code.REFERENCE_LOST: Meaning(
        "a reference that nothing replaces",
        why="The endpoint or secret that is meant is not there, or is no single line of plain text.",
        mend="Set the variable or write the file, and write `${env:NAME}` or `${file:PATH}`.",
    ),
    Code.INCLUDE_EMPTY: Meaning(
        "a pattern that no file matches",
        why="Its scopes may be missing.",
        mend="Correct the pattern, or leave it if files are yet to come.",
    ),
}
