"""Meanings of codes about the shape: which keys there are, of which type."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

SHAPE: Final = {
    Code.UNKNOWN_KEY: Meaning(
        "a key that does not exist",
        why="Passed over, a misspelt limit would be no limit at all.",
        mend="Correct the name; the nearest one is suggested. `vendor schema` lists them all.",
    ),
    Code.MISSING_KEY: Meaning(
        "a key is missing that has no default",
        why="What cannot be guessed safely is asked for.",
        mend="Add it.",
    ),
    Code.WRONG_TYPE: Meaning(
        "a value of the wrong type",
        why="Types are not converted: an account id would lose its zeros, `no` would become false.",
        mend="Write the type that is expected; a number, true or false in quotes is a string.",
    ),
    Code.WRONG_VALUE: Meaning(
        "a value that is none of those that exist",
        why="A word or a unit that is not known has no meaning here.",
        mend="Write one of what is expected, a duration as `15m`, `1h` or `900s`.",
    ),
    Code.BAD_NAME: Meaning(
        "a name of characters that it cannot have",
        why="Scopes stand in URLs and metrics, attributes and parameters in placeholders and query strings.",
        mend="Rename it with the characters that are told.",
    ),
    Code.EMPTY_VALUE: Meaning(
        "an empty text, list or mapping",
        why="Empty could be read as everything or as nothing.",
        mend="Fill it or leave the key out.",
    ),
    Code.OUT_OF_RANGE: Meaning(
        "a number beyond what can be",
        why="A budget of nothing would stop the target, an infinite one is none.",
        mend="Write a number as large as is told, or leave the key out.",
    ),
    Code.EXACTLY_ONE: Meaning(
        "none or several where exactly one must be said",
        why="With two answers, which one holds would be chance.",
        mend="Keep one of those that are told.",
    ),
    Code.NO_SCOPES: Meaning(
        "no scope anywhere",
        why="There would be nothing that anybody may have.",
        mend="Write `scopes`, or `include` the files that hold them.",
    ),
    Code.BAD_ADDRESS: Meaning(
        "an address that nothing can listen at",
        why="A name could stand for several interfaces, among them one that was not meant.",
        mend="Write an IP address and a port, an IPv6 address in brackets.",
    ),
    Code.SHARED_ADDRESS: Meaning(
        "both listeners have one address",
        why="The operators' side would stand on the public listener.",
        mend="Give `operations.address` a port of its own.",
    ),
}
