"""What is written is what botocore's own client would have written, and goes where that would have sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from aiobotocore.session import get_session
from botocore.serialize import QuerySerializer

from tests.made import session
from vendor.mint.endpoint import PLAIN, regional
from vendor.mint.wire import Wire

if TYPE_CHECKING:
    from tests.fakes.sts import STS
    from tests.mint.conftest import Rig

ODD = "a b+c&d=e%20f/\u00e9\u00ff?#;,@"
REGIONS = {
    "us-east-1": "https://sts.us-east-1.amazonaws.com",
    "eu-west-1": "https://sts.eu-west-1.amazonaws.com",
    "cn-north-1": "https://sts.cn-north-1.amazonaws.com.cn",
    "us-gov-west-1": "https://sts.us-gov-west-1.amazonaws.com",
    "ap-southeast-1": "https://sts.ap-southeast-1.amazonaws.com",
}
MEMBERS: dict[str, dict[str, Any]] = {
    "AssumeRole": {
        "RoleArn": ODD,
        "RoleSessionName": "name",
        "DurationSeconds": 900,
        "PolicyArns": [{"arn": "one"}, {"arn": "two"}],
        "Tags": [{"Key": "k", "Value": ODD}],
        "TransitiveTagKeys": ["k", "l"],
    },
    "AssumeRoot": {"TargetPrincipal": "111122223333", "TaskPolicyArn": {"arn": "one"}},
    "GetCallerIdentity": {},
}


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_has_its_own_endpoint_and_is_never_sent_to_the_global_one(region: str) -> None:
    assert regional(get_session(), region, PLAIN) == (REGIONS[region], region)


@pytest.mark.parametrize("action", MEMBERS)
def test_a_form_holds_what_botocore_would_have_written(action: str) -> None:
    wire = Wire(get_session().get_component("data_loader"))
    model = get_session().get_component("data_loader").load_service_model("sts", "service-2")
    assert model["metadata"]["protocol"] == "query"
    theirs = QuerySerializer().serialize_to_request(MEMBERS[action], wire.operation(action))["body"]
    ours = parse_qs(wire.body(action, MEMBERS[action]).decode(), keep_blank_values=True, strict_parsing=True)
    assert {name: values[0] for name, values in ours.items()} == {name: str(value) for name, value in theirs.items()}


async def test_odd_characters_arrive_as_they_were_sent(rig: Rig, fake: STS) -> None:
    asked = session(policy=ODD, external_id=ODD, tags=(("k=&+ ", ODD), ("empty", "")))
    await rig.sts.mint(asked)
    sent = fake.requests[-1]
    assert (sent.policy, sent.external_id, sent.tags) == (ODD, ODD, {"k=&+ ": ODD, "empty": ""})
