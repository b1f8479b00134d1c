"""What is spared at each mint changes nothing of what is asked, nor of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.session import get_session

from tests.made import session
from vendor.mint.sparing import spare

if TYPE_CHECKING:
    from tests.fakes.sts import STS
    from tests.mint.conftest import Rig

ODD = "a b+c&d=e%20f/\u00e9\u00ff?#;,@"


async def _endpoint(client: Any, operation: str = "AssumeRole") -> tuple[str, str]:
    model = client.meta.service_model.operation_model(operation)
    found = await client._ruleset_resolver.construct_endpoint(
        operation_model=model, call_args={}, request_context={"client_region": client.meta.region_name}
    )
    scheme = found.properties.get("authSchemes", [{}])[0]
    return found.url, scheme.get("signingRegion", "")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "ap-southeast-1"])
async def test_the_endpoint_is_the_one_that_botocore_finds_and_is_found_once(region: str) -> None:
    async with get_session().create_client("sts", region_name=region) as client:
        before = await _endpoint(client)
        inner = client._ruleset_resolver
        spare(client)
        assert await _endpoint(client) == before
        assert region in before[0]
        model, info = client.meta.service_model.operation_model("AssumeRole"), {"client_region": region}
        asked = {"operation_model": model, "call_args": {}, "request_context": info}
        settled = client._ruleset_resolver
        assert await settled.construct_endpoint(**asked) is await settled.construct_endpoint(**asked)
        assert settled.auth_schemes_to_signing_ctx == inner.auth_schemes_to_signing_ctx


async def test_odd_characters_arrive_as_they_were_sent(rig: Rig, fake: STS) -> None:
    asked = session(policy=ODD, external_id=ODD, tags=(("k=&+ ", ODD), ("empty", "")))
    await rig.sts.mint(asked)
    sent = fake.requests[-1]
    assert (sent.policy, sent.external_id, sent.tags) == (ODD, ODD, {"k=&+ ": ODD, "empty": ""})


async def test_a_client_without_rules_for_endpoints_is_left_as_it_is() -> None:
    async with get_session().create_client("sts", region_name="eu-west-1") as client:
        client._ruleset_resolver = None
        spare(client)
        assert client._ruleset_resolver is None
