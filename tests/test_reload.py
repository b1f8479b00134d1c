"""Hot reload, through a served process: what is seen, and what is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.reloaded import NARROWED, PATH, Reloaded
from tests.server.http import get, post
from tests.service import CONFIGURATION

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SECOND = (
    CONFIGURATION.partition("scopes:\n")[2]
    .replace("reports:read", "reports:more")
    .replace("{{", "{")
    .replace("}}", "}")
)


async def test_a_file_that_is_written_in_place_or_renamed_over_is_served(tmp_path: Path) -> None:
    async with Reloaded(tmp_path) as world:
        assert (await world.ask()).status == 200
        world.write(NARROWED)
        await world.reloaded(2)
        assert (await world.ask()).code == "access_denied"
        assert (await world.ask("batch-1")).status == 200
        other = tmp_path / "vendor.yaml.new"
        other.write_text(world.text())
        other.rename(world.file)
        await world.reloaded(3)
        assert (await world.ask()).status == 200
        assert [line["config_generation"] for line in world.audit()] == [1, 2, 2, 3]
        assert (await world.scrape()).by("vendor_config_reloads_total", "result") == {"failed": 0, "ok": 2}


def _swap(mounted: Path, name: str, text: str) -> None:
    """Do as the kubelet does with a ConfigMap: a new folder, and one symlink that is renamed."""
    (mounted / name).mkdir(parents=True)
    (mounted / name / "vendor.yaml").write_text(text)
    (mounted / "..data_tmp").symlink_to(name)
    (mounted / "..data_tmp").rename(mounted / "..data")


async def test_the_symlink_of_a_config_map_that_is_swapped_is_seen(tmp_path: Path) -> None:
    async with Reloaded(tmp_path) as world:
        _swap(tmp_path, "..2026_a", world.text())
        world.file.unlink()
        world.file.symlink_to("..data/vendor.yaml")
        await world.reloaded(2)
        _swap(tmp_path, "..2026_b", world.text(NARROWED))
        await world.reloaded(3)
        assert (await world.ask()).code == "access_denied"


async def test_an_included_file_that_comes_changes_and_goes_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "scopes"
    async with Reloaded(tmp_path, configuration="include: [scopes/*.yaml]\n" + CONFIGURATION) as world:
        assert (await world.ask(path="/v1/credentials/reports:more")).code == "access_denied"
        folder.mkdir()
        (folder / "more.yaml").write_text("scopes:\n" + SECOND)
        await world.reloaded(2)
        assert (await world.ask(path="/v1/credentials/reports:more")).status == 200
        (folder / "more.yaml").write_text("scopes:\n" + SECOND.replace("reporter", "somebody"))
        await world.reloaded(3)
        assert (await world.ask(path="/v1/credentials/reports:more")).code == "access_denied"
        metrics = await world.scrape()
        assert "reports:more" in metrics.by("vendor_exchanges_total", "scope")
        assert metrics.value("vendor_credentials_active", scope="reports:more") == 1
        (folder / "more.yaml").unlink()
        await world.reloaded(4)
        metrics = await world.scrape()
        assert "reports:more" not in metrics.by("vendor_exchanges_total", "scope")
        assert "reports:more" not in metrics.by("vendor_credential_lifetime_seconds_count", "scope")
        assert metrics.value("vendor_credentials_active", scope="reports:more") == 1  # it is out, all the same
        (folder / "more.yaml").symlink_to("nowhere")
        await world.refused("more.yaml", "cannot be read")


async def test_a_hangup_makes_a_generation_and_no_mint_and_keeps_what_is_good(tmp_path: Path) -> None:
    async with Reloaded(tmp_path) as world:
        token = world.token()
        before = await get(world.service.public, PATH, token)
        fetches = world.issuer.requests.total()
        world.hang_up()
        world.hang_up()
        await world.reloaded(2)
        await asyncio.sleep(0.3)
        after = await get(world.service.public, PATH, token)
        assert after.json["AccessKeyId"] == before.json["AccessKeyId"]
        assert world.audit()[-1]["config_generation"] == await world.generation() > 1
        assert len(world.sts.requests) == 1
        assert world.issuer.requests.total() == fetches
        assert world.logged("configuration reloaded")[-1]["generation"] in {2, 3}


async def test_operators_come_and_go(tmp_path: Path) -> None:
    async with Reloaded(tmp_path) as world:
        asked = {"issuer": "cluster-a", "scope": "reports:read", "attributes": {"namespace": "analytics"}}

        async def explained() -> int:
            operator = world.token("vendor-operator", namespace="platform")
            return (await post(world.service.operations, "/v1/explain", operator, asked)).status

        assert await explained() == 200
        world.write(CONFIGURATION.replace("service_account: vendor-operator", "service_account: somebody-else"))
        await world.reloaded(2)
        assert await explained() == 403


async def test_a_narrower_policy_is_what_the_next_answer_has_and_an_unchanged_scope_costs_no_mint(
    tmp_path: Path,
) -> None:
    both = CONFIGURATION + SECOND.replace("{", "{{").replace("}", "}}")
    async with Reloaded(tmp_path, configuration=both) as world:
        first = await world.ask()
        other = await world.ask(path="/v1/credentials/reports:more")
        world.write(both.replace("arn:aws:s3:::reports/", "arn:aws:s3:::reports/narrow/", 1))
        await world.reloaded(2)
        assert (await world.ask(path="/v1/credentials/reports:more")).json == other.json
        again = await world.ask()
        assert again.json["AccessKeyId"] != first.json["AccessKeyId"]
        assert "reports/narrow/" in (world.sts.issued[again.json["AccessKeyId"]].policy or "")


async def test_a_token_that_was_used_once_stays_used(tmp_path: Path) -> None:
    once = CONFIGURATION.replace("kind: kubernetes,", "kind: kubernetes, one_time_tokens: true,")
    async with Reloaded(tmp_path, configuration=once) as world:
        token = world.token(jti="t-1")
        assert (await get(world.service.public, PATH, token)).status == 200
        world.hang_up()
        await world.reloaded(2)
        assert (await get(world.service.public, PATH, token)).code == "invalid_token"
        world.write(once.replace("audience: vendor", "audience: vendor, leeway: 1s"))
        await world.reloaded(3)
        assert (await get(world.service.public, PATH, token)).code == "invalid_token"


async def test_an_issuer_that_is_gone_is_believed_no_longer_and_its_series_end(tmp_path: Path) -> None:
    async with Reloaded(tmp_path) as world:
        assert (await world.ask()).status == 200
        renamed = CONFIGURATION.replace("cluster-a", "cluster-b").replace('issuer: "{issuer}"', 'issuer: "{issuer}/b"')
        world.write(renamed)
        await world.reloaded(2)
        assert (await world.ask()).code == "invalid_token"
        metrics = await world.scrape()
        assert set(metrics.by("vendor_keys_age_seconds", "issuer")) == {"cluster-b"}
        assert "cluster-a" not in metrics.by("vendor_keys_refresh_total", "issuer")
        world.write(CONFIGURATION)
        await world.reloaded(3)
        assert (await world.ask()).status == 200


async def test_another_endpoint_is_asked_for_what_was_minted_at_the_old_one(tmp_path: Path) -> None:
    async with Reloaded(tmp_path) as world:
        assert (await world.ask()).status == 200
        world.write(CONFIGURATION.replace("regions: [eu-west-1]", "regions: [eu-central-1]"))
        await world.reloaded(2)
        assert (await world.ask()).status == 200
        assert len(world.sts.requests) == 2
        assert [line["region"] for line in world.audit()] == ["eu-west-1", "eu-central-1"]


async def test_a_hangup_at_the_start_and_at_the_end_ends_nothing(tmp_path: Path) -> None:
    world = Reloaded(tmp_path)
    world.issuer.fault = "down"
    async with world:
        world.hang_up()
        world.hang_up()
        await world.reloaded(2)
        world.service.terminate()
        while world.service.process.returncode is None:
            world.hang_up()
            await asyncio.sleep(0.02)
        assert world.service.process.returncode == 0
    assert not [line for line in world.service.log if "Traceback" in line]
