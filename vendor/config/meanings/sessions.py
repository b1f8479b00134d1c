"""Meanings of codes about session policies, and the rest of a session."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

SESSIONS: Final = {
    Code.POLICY_MEMBER: Meaning(
        "a member that a session policy does not have",
        why="IAM refuses the whole policy, or reads something else than its author.",
        mend="Correct the name; Principal belongs into the policies of resources.",
    ),
    Code.POLICY_VERSION: Meaning(
        'no `Version: "2012-10-17"`',
        why="In older versions policy variables are plain text: the same policy would mean something else.",
        mend='Write `Version: "2012-10-17"`, in quotes.',
    ),
    Code.EFFECT: Meaning(
        "an effect other than Allow and Deny",
        why="IAM tells upper and lower case apart, and refuses the policy.",
        mend="Write `Effect: Allow` or `Effect: Deny`.",
    ),
    Code.ACTION_OR_RESOURCE: Meaning(
        "not exactly one of Action and NotAction, or of Resource and NotResource",
        why="IAM refuses a statement that says neither or both.",
        mend="Keep one of each pair.",
    ),
    Code.POLICY_VALUE: Meaning(
        "a value in a policy that is not of the type IAM takes",
        why="IAM takes texts, lists of texts and, for Condition, mappings of operators to mappings of keys.",
        mend="Write it so; numbers, true and false go into quotes.",
    ),
    Code.SID: Meaning(
        "a Sid of other than letters and digits, or one that stands twice",
        why="IAM refuses the policy.",
        mend="Write letters and digits, another Sid for each statement; or none at all.",
    ),
    Code.POLICY_TOO_LONG: Meaning(
        "a policy longer than STS takes",
        why="STS refuses every call with it, whatever it is filled with.",
        mend="Shorten it: wildcards for lists, fewer Sids; or put the rest into `policy_arns`.",
    ),
    Code.POLICY_CHARACTERS: Meaning(
        "a policy with characters that STS does not take",
        why="STS refuses every call with it.",
        mend="Keep to characters up to U+00FF.",
    ),
    Code.UNKNOWN_POLICY: Meaning(
        "a named policy that does not exist",
        why="The session would lack its limits.",
        mend="Correct the name, or add it under `policies` in the main file.",
    ),
    Code.DURATION: Meaning(
        "a duration that STS does not give",
        why="STS refuses every call that asks for it.",
        mend="Write one from `15m` to `12h`.",
    ),
    Code.DURATION_ORDER: Meaning(
        "a longest duration below the usual one",
        why="Whoever asks for nothing in particular would ask for too much.",
        mend="Raise `max_duration`, or lower `duration`.",
    ),
    Code.TOO_MANY: Meaning(
        "more tags or policy ARNs than STS takes",
        why="STS refuses every call with them.",
        mend="Take some out: 50 tags and 10 policy ARNs are the most.",
    ),
    Code.TAG_CASE: Meaning(
        "two tags that differ only in case",
        why="STS takes them for one and refuses the call.",
        mend="Keep one of them.",
    ),
    Code.TAG_KEY: Meaning(
        "a tag key that STS does not take",
        why="STS refuses every call with it; `aws:` is AWS's own prefix, and nothing is filled into a key.",
        mend="Use at most 128 letters, digits, spaces and `. _ : / = + @ -`.",
    ),
    Code.UNKNOWN_TAG: Meaning(
        "a transitive tag that is no tag",
        why="Roles further on may rely on a tag that never comes.",
        mend="Add it under `tags`, or take it out of `transitive_tags`.",
    ),
    Code.POLICY_ARN: Meaning(
        "no ARN of a managed policy",
        why="STS refuses every call with it.",
        mend="Write one such as `arn:aws:iam::aws:policy/ReadOnlyAccess`.",
    ),
    Code.STS_TEXT: Meaning(
        "a text of characters or a length that STS does not take",
        why="STS refuses every call with it.",
        mend="Keep to what is told; a session name has 2 to 64 of letters, digits and `_ + = , . @ -`.",
    ),
    Code.UNKNOWN_OPTIONAL: Meaning(
        "an optional tag that is no tag",
        why="Nothing would be left out where STS cannot pack the session.",
        mend="Add it under `tags`, or take it out of `optional_tags`.",
    ),
    Code.OPTIONAL_NEEDED: Meaning(
        "an optional tag that something relies on",
        why="A session without it would mean something else: what reads the tag would allow or refuse the wrong thing.",
        mend="Take it out of `optional_tags`, or out of what is told.",
    ),
    Code.NOT_OF_MINT: Meaning(
        "a session that its mint cannot give",
        why="AWS takes no such thing with this action, so the session would not be what it says.",
        mend="Take the key out, or mint another way; where no policy can be passed say `unrestricted: true`.",
    ),
    Code.SHORT_SESSION: Meaning(
        "a session so short that SDKs renew it all the time",
        why="They renew when 15 minutes are left, and wait for it when 10 are: each use would call back.",
        mend="Use `1h`, or `30m` at least.",
    ),
    Code.UNUSED_POLICY: Meaning(
        "a named policy that no scope uses",
        why="A limit that its author counts on may be missing somewhere.",
        mend="Name it in a scope, or delete it.",
    ),
    Code.POLICY_GROWS: Meaning(
        "a policy that can grow longer than STS takes",
        why="Callers with long names or values are refused with `policy_too_large`, and only they.",
        mend="Shorten it, or bound what fills it: by `one_of`, or a `pattern` with `{n}` instead of `+`.",
    ),
}
