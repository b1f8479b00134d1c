"""Meanings of codes about the language: YAML 1.2, read strictly."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

LANGUAGE: Final = {
    Code.BYTE_ORDER_MARK: Meaning(
        "the file begins with a byte order mark",
        why=(
            "Some readers take it for a part of the first key, others drop it: two tools would read two configurations."
        ),
        mend="Save the file as UTF-8 without a byte order mark.",
    ),
    Code.NOT_UTF_8: Meaning(
        "the file is not UTF-8",
        why="Nobody can tell which characters were meant.",
        mend="Save the file as UTF-8; the place is that of the first byte that does not fit.",
    ),
    Code.CONTROL_CHARACTER: Meaning(
        "a control character stands in the file",
        why="It cannot be seen by who reviews the file, and YAML takes none.",
        mend="Delete it; in a double-quoted string an escape such as `\\t` can be written.",
    ),
    Code.NOT_YAML: Meaning(
        "the file is not YAML",
        why="What stands behind the place cannot be read, so nothing of the file is served.",
        mend=(
            "Look at indentation (spaces, no tabs), at open brackets and quotes, and put a text with `: ` in it "
            "into quotes."
        ),
    ),
    Code.EMPTY_FILE: Meaning(
        "the file is empty",
        why="Serving nothing is hardly what was meant: the file may have been cut off on its way.",
        mend="Write the configuration, or take the file out of `include`.",
    ),
    Code.SECOND_DOCUMENT: Meaning(
        "a second document follows",
        why="Most readers would pass over it, and with it over what its author counts on.",
        mend="Delete the line `---` and merge the two, or put the scopes into a file of their own.",
    ),
    Code.TOO_DEEP: Meaning(
        "values are nested too deep",
        why="Nothing here is deeper than 32 levels: this is a mistake or an attempt to exhaust the reader.",
        mend="Write it flatter.",
    ),
    Code.ALIAS: Meaning(
        "an anchor or an alias",
        why="What stands elsewhere under another name is not seen by who reviews this place.",
        mend="Write the value out, or use `defaults` and `policies`.",
    ),
    Code.MERGE_KEY: Meaning(
        "a merge key",
        why="YAML 1.2 has none, and readers that know it differ in which value wins.",
        mend="Write the members out, or use `defaults`.",
    ),
    Code.TAG: Meaning(
        "a tag",
        why="It could change the type of a value behind the reader's back.",
        mend="Leave it out; quotes make a string.",
    ),
    Code.REPEATED_KEY: Meaning(
        "a key stands twice in one mapping",
        why="Most readers silently take the last one, people mostly see the first.",
        mend="Keep one of the two.",
    ),
    Code.KEY_NOT_TEXT: Meaning(
        "a key that is no plain text",
        why="Keys are names; lists, mappings and aliases are none.",
        mend="Write a plain name.",
    ),
    Code.HALF_CHARACTER: Meaning(
        "an escape that is no whole character",
        why="Half of a surrogate pair can be written to no log, no policy and no token.",
        mend="Write the character itself, or the whole of its escape.",
    ),
    Code.NO_VALUE: Meaning(
        "a key without a value",
        why="Nothing can be meant as the default, as empty or as forgotten.",
        mend="Give it a value or leave the key out.",
    ),
}
