"""What is written is what botocore's own client would have written, and goes where that would have sent it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import trustme
from aiobotocore.session import get_session
from aiohttp import web
from botocore.serialize import QuerySerializer

from tests.fakes.loopback import Loopback
from tests.made import session
from tests.mint.test_calls import WhoAmI
from vendor.mint.endpoint import PLAIN, Endpoint, Options, regional
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


OPTIONS = {
    Options(): "https://sts.us-east-1.amazonaws.com",
    Options(fips=True): "https://sts-fips.us-east-1.amazonaws.com",
    Options(dualstack=True): "https://sts.us-east-1.api.aws",
    Options(fips=True, dualstack=True): "https://sts-fips.us-east-1.api.aws",
    Options(service="cognito-identity"): "https://cognito-identity.us-east-1.amazonaws.com",
    Options(service="organizations"): "https://organizations.us-east-1.amazonaws.com",
}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_an_endpoint_is_chosen_by_what_is_said_of_it(options: Options) -> None:
    assert regional(get_session(), "us-east-1", options) == (OPTIONS[options], "us-east-1")


@pytest.mark.parametrize(
    ("region", "url", "signed_for"),
    [
        ("eu-west-1", "https://organizations.us-east-1.amazonaws.com", "us-east-1"),
        ("us-gov-east-1", "https://organizations.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("cn-north-1", "https://organizations.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"),
    ],
)
def test_an_organization_is_asked_where_its_partition_has_it(region: str, url: str, signed_for: str) -> None:
    assert regional(get_session(), region, Options(service="organizations")) == (url, signed_for)


async def test_an_endpoint_is_believed_by_the_authorities_that_it_was_given_alone() -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    async with Page(tls=tls) as page:
        for trusted, reached in ((authority, True), (stranger, False)):
            options = Options(authorities=trusted.cert_pem.bytes().decode())
            wire = Wire(get_session().get_component("data_loader"))
            endpoint = Endpoint(
                region="us-east-1", endpoint_url=page.url, wire=wire, aws=get_session(), options=options
            )
            with pytest.raises(Exception) as refused:  # noqa: PT011 - the page is no STS
                await endpoint.ask(WhoAmI(), {}, None)
            assert ("certificate" not in str(refused.value).lower()) is reached
            await endpoint.close()


class Page(Loopback):
    """Answers what is no STS."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="no")
