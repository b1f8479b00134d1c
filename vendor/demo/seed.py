"""Fills the embedded cloud: a program of its own, so that the user's AWS settings cannot reach it.

Reads one JSON object on standard input and prints the access key of the user `vendor` as JSON. The role may read
the whole bucket: whatever is narrower than that comes from the session policies.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3


def main() -> None:
    """Make the user, the role, the bucket and its objects."""
    plan = json.load(sys.stdin)
    session = boto3.Session(
        aws_access_key_id=plan["key"], aws_secret_access_key=plan["secret"], region_name=plan["region"]
    )
    access = _make_identities(session.client("iam", endpoint_url=plan["endpoint"]), plan)
    s3 = session.client("s3", endpoint_url=plan["endpoint"])
    s3.create_bucket(Bucket=plan["bucket"])
    for key, text in plan["objects"].items():
        s3.put_object(Bucket=plan["bucket"], Key=key, Body=text.encode())
    json.dump({"AccessKeyId": access["AccessKeyId"], "SecretAccessKey": access["SecretAccessKey"]}, sys.stdout)


def _make_identities(iam: Any, plan: dict[str, Any]) -> dict[str, str]:
    user = iam.create_user(UserName="vendor")["User"]["Arn"]
    role = f"arn:aws:iam::{plan['account']}:role/{plan['role']}"
    wanted = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    iam.put_user_policy(UserName="vendor", PolicyName="assume", PolicyDocument=_policy(_allow(wanted, role)))
    trusted = {"Effect": "Allow", "Principal": {"AWS": user}}
    iam.create_role(
        RoleName=plan["role"],
        AssumeRolePolicyDocument=_policy(
            {
                **trusted,
                "Action": wanted[:1],
                "Condition": {"StringEquals": {"sts:ExternalId": plan["external_id"]}},
            },
            {**trusted, "Action": wanted[1:]},
        ),
    )
    bucket = f"arn:aws:s3:::{plan['bucket']}"
    iam.put_role_policy(
        RoleName=plan["role"],
        PolicyName="read-everything",
        PolicyDocument=_policy(_allow(["s3:GetObject"], f"{bucket}/*"), _allow(["s3:ListBucket"], bucket)),
    )
    access: dict[str, str] = iam.create_access_key(UserName="vendor")["AccessKey"]
    return access


def _allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


if __name__ == "__main__":
    main()
