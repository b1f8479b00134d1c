"""Rules of targets, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import OWN
from tests.config.sound import rules

TARGETS = rules(
    ("a target has regions", "[eu-west-1, eu-central-1]", "^^[]", "targets.aws.regions", "may not be empty"),
    (
        "a region of AWS is spelt like one",
        "eu-central-1]",
        "^^europe]",
        "targets.aws.regions[1]",
        "expected a region such as",
    ),
    (
        "a region of another cloud is a word",
        "[garage]",
        "[^^a/b]",
        "targets.own.regions[0]",
        "expected a region such as",
    ),
    (
        "the regions are of one partition",
        "[eu-west-1, eu-central-1]",
        "^^[eu-west-1, cn-north-1]",
        "targets.aws.regions",
        "the regions of a target must be of one partition",
    ),
    (
        "requests per second are more than 0",
        "aws: {",
        "aws: {requests_per_second: ^^0, ",
        "targets.aws.requests_per_second",
        "must be more than 0",
    ),
    (
        "requests per second end somewhere",
        "aws: {",
        "aws: {requests_per_second: ^^.inf, ",
        "targets.aws.requests_per_second",
        "must be a number that ends",
    ),
    (
        "requests per second are no string",
        "aws: {",
        'aws: {requests_per_second: ^^"3", ',
        "targets.aws.requests_per_second",
        "expected a number, found a string",
    ),
    (
        "requests per second are no flag",
        "aws: {",
        "aws: {requests_per_second: ^^true, ",
        "targets.aws.requests_per_second",
        "expected a number, found true",
    ),
    *(
        (
            f"{url} is no endpoint",
            OWN,
            f"{{endpoint_url: ^^'{url}', regions: [garage]}}",
            "targets.own.endpoint_url",
            "expected an http or https URL",
        )
        for url in (
            "minio:9000",
            "ftp://minio",
            "http://[",
            "https://a:b@minio",
            "http://minio?a",
            "http://minio:99999",
            "http://minio:{region}",
        )
    ),
    (
        "an identity is of one kind",
        "aws: {",
        "aws: {identity: ^^{profile: hub, access_key: {id: AKIAHUB, secret_file: s}}, ",
        "targets.aws.identity",
        "expected exactly one of profile, web_identity, access_key",
    ),
    (
        "an identity is of some kind",
        "aws: {",
        "aws: {identity: ^^{}, ",
        "targets.aws.identity",
        "expected exactly one of profile, web_identity, access_key",
    ),
    (
        "an identity of its own is a mapping",
        "aws: {",
        "aws: {identity: ^^hub, ",
        "targets.aws.identity",
        "expected 'ambient'",
    ),
    (
        "an identity's role is an ARN",
        "aws: {",
        "aws: {identity: {web_identity: {role: ^^vendor, token_file: t}}, ",
        "targets.aws.identity.web_identity.role",
        "expected a role's ARN",
    ),
    (
        "an identity's role is of its target's partition",
        "aws: {",
        "aws: {identity: {web_identity: {role: ^^arn:aws-cn:iam::111122223333:role/vendor, token_file: t}}, ",
        "targets.aws.identity.web_identity.role",
        "the role is in aws-cn, the target's regions are not",
    ),
    (
        "an identity's key has an id",
        "aws: {",
        "aws: {identity: {access_key: {id: ^^'AKIA HUB', secret_file: s}}, ",
        "targets.aws.identity.access_key.id",
        "expected the id of an access key",
    ),
    (
        "an identity's key does not end",
        "aws: {",
        "aws: {identity: {access_key: {id: ^^ASIAHUB, secret_file: s}}, ",
        "targets.aws.identity.access_key.id",
        "this id is of a session",
    ),
)
