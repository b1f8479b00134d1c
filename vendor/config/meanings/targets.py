"""Meanings of codes about targets and roles."""

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
}
