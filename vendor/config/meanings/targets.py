"""Meanings of codes about targets, roles and mints."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

TARGETS: Final = {
    Code.UNKNOWN_TARGET: Meaning(
        "no target, or one that does not exist",
        why="Nobody would mint the credentials.",
        mend="Correct the name, or add it under `targets`.",
    ),
    Code.REGION: Meaning(
        "no name of a region",
        why="Its endpoint does not exist, so every call would fail.",
        mend="Write one such as `eu-west-1`; with `endpoint_url` any word will do.",
    ),
    Code.PARTITIONS: Meaning(
        "regions of several partitions in one target",
        why="Their credentials and roles do not know one another, so failing over could only fail.",
        mend="Make a target for each partition.",
    ),
    Code.ENDPOINT: Meaning(
        "no URL of an endpoint",
        why="Nothing can be sent there.",
        mend="Write http or https, a host and a port; no user, query or fragment.",
    ),
    Code.ROLE: Meaning(
        "no ARN of a role",
        why="STS refuses every call with it.",
        mend="Write `arn:aws:iam::111122223333:role/name`: partition, twelve digits, path and name.",
    ),
    Code.ROLE_PARTITION: Meaning(
        "a role of another partition than its target's",
        why="STS of one partition knows no roles of another.",
        mend="Use a target with regions of the role's partition.",
    ),
    Code.ROLE_LOOP: Meaning(
        "a role that stands twice on the way to itself",
        why="Whoever is at a role already need not come back to it: another one was meant.",
        mend="Name each role of `via` and the role itself once.",
    ),
    Code.DEVICE: Meaning(
        "an MFA device that cannot give a code",
        why="AWS refuses every call without one.",
        mend="Write `mfa_serial` as AWS shows it, and a file that holds the device's secret in base32.",
    ),
    Code.MINT_VALUE: Meaning(
        "a value of a mint that AWS does not take",
        why="Every call with it fails.",
        mend="Write it as the page on minting shows it.",
    ),
    Code.FEATURE: Meaning(
        "something that the target does not have",
        why="It would be passed over there, and the session be wider or less known than it says.",
        mend="Take it out of the scope, or list it under the target's `features` if it is there after all.",
    ),
    Code.TARGET_OPTION: Meaning(
        "an option that does not fit the target's endpoint",
        why="It would be passed over.",
        mend="Keep `fips` and `dualstack` to AWS's own endpoints, `ca_file` and `features` to an `endpoint_url`.",
    ),
    Code.ORGANIZATION: Meaning(
        "no organizational unit",
        why="AWS lists no accounts below it, so nobody could have the scope.",
        mend="Write ids such as `ou-ab12-11111111`, or `r-ab12` for the root of them all.",
    ),
    Code.OWN_KEY: Meaning(
        "no access key that the service could use as its own",
        why="AWS refuses every call with it, at once or when its session ends.",
        mend="Write the id of an IAM user's key, which begins with `AKIA`; name what is renewed in another way.",
    ),
}
