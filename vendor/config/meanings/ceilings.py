"""Meanings of codes about ceilings: what exceeds one, and what is wrong with one."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

CEILINGS: Final = {
    Code.NAME_BEYOND: Meaning(
        "a scope with a name that the ceiling keeps for others",
        why="Workloads that ask for another team's scope would be served by this one.",
        mend="Rename the scope, or widen `names` of the ceiling.",
    ),
    Code.ISSUER_BEYOND: Meaning(
        "a grant to an issuer that the ceiling does not list",
        why="Workloads from there are not this team's to let in.",
        mend="Use an issuer of the list, or widen `issuers` of the ceiling.",
    ),
    Code.TARGET_BEYOND: Meaning(
        "a target that the ceiling does not list",
        why="Credentials would be made somewhere that is not this team's.",
        mend="Use a target of the list, or widen `targets` of the ceiling.",
    ),
    Code.AUDIT_BEYOND: Meaning(
        "`mode: audit` under a ceiling that does not allow it",
        why="That mode lets in who has no grant.",
        mend="Use `mode: enforce`, or say `audit_mode: true` in the ceiling.",
    ),
    Code.ROLE_BEYOND: Meaning(
        "a role beyond the ceiling, or a mint without a role",
        why="The service can assume more roles than this file may use.",
        mend="Use a role within the patterns, or widen `roles` of the ceiling.",
    ),
    Code.DURATION_BEYOND: Meaning(
        "a session longer than the ceiling allows",
        why="What is out lives until it expires, whatever is changed afterwards.",
        mend="Shorten `max_duration` of the scope, or raise that of the ceiling.",
    ),
    Code.UNRESTRICTED_BEYOND: Meaning(
        "`unrestricted: true` under a ceiling that does not allow it",
        why="Without a session policy the session has all that the role has.",
        mend="Write a policy, or say `unrestricted: true` in the ceiling.",
    ),
    Code.POLICY_ARN_BEYOND: Meaning(
        "a managed policy that the ceiling does not list",
        why="What it allows is added to the session, and cannot be seen from here.",
        mend="Leave it out, or add it to `policy_arns` of the ceiling.",
    ),
    Code.TAG_BEYOND: Meaning(
        "a session tag that is missing, or could have another value than the ceiling's",
        why="Roles and resources trust such tags.",
        mend="Set the tag to what the ceiling says.",
    ),
    Code.ACTION_BEYOND: Meaning(
        "a statement that allows an action the ceiling denies",
        why="A wildcard or NotAction allows more than it names.",
        mend="Name the actions that are needed; with NotAction leave the denied ones out too.",
    ),
    Code.RESOURCE_BEYOND: Meaning(
        "a statement that allows a resource beyond the ceiling",
        why="Whatever fills the placeholders and wildcards, it must stay within.",
        mend="Narrow the resource, name resources instead of NotResource, or widen `resources` of the ceiling.",
    ),
    Code.REFERENCE_BEYOND: Meaning(
        "a reference in a file whose ceiling allows none",
        why="The file's owner could have a secret of the service sent to an account of their own.",
        mend="Write the value itself, or say `references: true` in the ceiling.",
    ),
    Code.NOT_COVERED: Meaning(
        "an included file that is under no ceiling",
        why="It would be the way around all the others.",
        mend="Let the `files` of a ceiling name it.",
    ),
    Code.CEILING_FILES: Meaning(
        "a ceiling over files that cannot be included",
        why="It would be over nothing, and look as if it were.",
        mend=(
            "Write a path relative to the main file, with `*` within a name; no `..`, no `/` at its beginning, no `**`."
        ),
    ),
    Code.CEILING_VALUE: Meaning(
        "a value that limits nothing or that nothing can keep to",
        why="A limit that is written in another way than it is read is none.",
        mend="Patterns have `*` and `?` alone, actions look like `iam:*`, and durations are `15m` at least.",
    ),
    Code.CEILING_UNKNOWN: Meaning(
        "a ceiling that lists an issuer or a target that does not exist",
        why="What was to be allowed is not, or a later name would be allowed unseen.",
        mend="Correct the name, or take it out.",
    ),
    Code.CEILING_UNDONE: Meaning(
        "a ceiling of which one part takes the meaning from another",
        why="It looks like a limit and is none.",
        mend="Take out `unrestricted` or `audit_mode`, or the limits that they undo.",
    ),
    Code.CEILING_OVER_NOTHING: Meaning(
        "a ceiling that is over no file",
        why="A file that it was meant for may be called otherwise.",
        mend="Correct `files`, or delete the ceiling.",
    ),
    Code.CEILING_ANY_ROLE: Meaning(
        "a ceiling that names no roles",
        why="Its scopes may take any role that the service can assume.",
        mend='Add `roles`; `["*"]` says aloud that any will do.',
    ),
}
