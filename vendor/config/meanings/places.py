"""Meanings of codes about parameters, and the places that they and the attributes fill."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

PLACES: Final = {
    Code.TAKEN_NAME: Meaning(
        "a parameter by a name that is taken",
        why="A caller could say what the identity is to say, or a member of the query would mean two things.",
        mend="Give the parameter another name.",
    ),
    Code.CONTRADICTION: Meaning(
        "a parameter that contradicts itself",
        why="One half of what is said could never have an effect.",
        mend="Keep `pattern` or `one_of`; `required` goes without `default`, and `required: false` with one.",
    ),
    Code.UNFIT_VALUE: Meaning(
        "a default or a choice that would be refused when it is used",
        why="What may fill a policy is limited, whoever says it.",
        mend="Keep to letters, digits and `. _ = @ -`, or widen the parameter by `pattern`, `one_of` or `path: true`.",
    ),
    Code.PATTERN_ANCHORED: Meaning(
        "a pattern with `^` or `$` at its ends",
        why="The whole value is always matched; an anchor reads as if it were not.",
        mend="Leave them out.",
    ),
    Code.PATTERN_RISKY: Meaning(
        "a pattern with look-around, references, anchors or a repeated group",
        why="These are slow in the worst case, or mean something else than they seem to.",
        mend="Write it with classes, `*`, `+`, `?`, `|`, `{n}` and plain groups.",
    ),
    Code.PATTERN_SLOW: Meaning(
        "a pattern that can take too long",
        why="A caller could stop the service with one value.",
        mend=(
            "Use at most three of `*` and `+`, bounded repeats and few alternatives; a list is better said by `one_of`."
        ),
    ),
    Code.PATTERN_BROKEN: Meaning(
        "no regular expression",
        why="No value could be admitted.",
        mend="Correct it; a bracket that is meant as it stands is written `\\[`.",
    ),
    Code.BAD_PLACE: Meaning(
        "a placeholder that is malformed or stands where none may",
        why="Filled into actions, effects or keys, a claim could widen the policy.",
        mend="Write `{{ name }}`, in Resource, NotResource and Condition values, tag values, names and ids alone.",
    ),
    Code.UNKNOWN_PLACE: Meaning(
        "a placeholder that nothing fills",
        why=(
            "It is no parameter, and tokens of this granting issuer do not have it: all their requests would be "
            "refused."
        ),
        mend="Correct the name, declare a parameter, or map a claim under the issuer's `attributes`.",
    ),
    Code.UNDELIMITED: Meaning(
        "a placeholder whose value could run into what stands beside it",
        why="With `{{ namespace }}*`, team `a` would reach what belongs to team `ab`.",
        mend="Put a character between them that no value can hold, such as `/`.",
    ),
    Code.PLACE_IN_ROLE: Meaning(
        "a placeholder in a role that is not bound to a list",
        why="Whoever chooses the text would choose the role.",
        mend="Declare a parameter with `one_of`, and use that.",
    ),
    Code.UNUSED_PARAMETER: Meaning(
        "a parameter that no placeholder uses",
        why="Callers may believe that it narrows what they get.",
        mend="Use it in the policy, or delete it.",
    ),
    Code.TAG_IN_PLACE: Meaning(
        "a placeholder that is taken for a request tag",
        why="Who asks AWS for the token chooses its tags, and with them what is filled in here.",
        mend="Use `principal_arn` or `account`; correct the name if a parameter was meant.",
    ),
    Code.NEVER_FILLED: Meaning(
        "a placeholder that can never be filled",
        why="What the attribute looks like may not stand in a policy, so every request is refused.",
        mend="Use an attribute that is one plain word, such as an id.",
    ),
    Code.NOT_ALWAYS_FILLED: Meaning(
        "a placeholder for an attribute that not every token has",
        why="Who lacks it is refused.",
        mend="Ask for it in the grant by `{present: true}`, or use another attribute.",
    ),
}
