"""docs/policies.md: its ceilings hold its scope but for what it shows, and its table has every key there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vendor.config import ConfigurationError, load
from vendor.config.shape import Ceiling

WHOLE = (Path(__file__).parent.parent / "docs" / "policies.md").read_text("utf-8")
PAGE = WHOLE.partition("\n## What a scope may not exceed\n")[2]
CEILINGS, SCOPES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SHOWN = re.findall(r"```\n(scopes/payments.*?)\n```", PAGE)
REST = """\
version: 1
issuers: {cluster-a: {issuer: https://oidc.example.com/id/AAA, audience: vendor, kind: kubernetes}}
targets: {aws: {regions: [eu-west-1]}}
"""


def _written(folder: Path, scopes: str) -> Path:
    (folder / "scopes").mkdir()
    (folder / "scopes" / "payments.yaml").write_text(scopes, "utf-8")
    main = folder / "vendor.yaml"
    main.write_text(CEILINGS + REST, "utf-8")
    return main


def test_what_is_shown_is_all_that_is_found(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(_written(tmp_path, SCOPES), environ={})
    assert [str(one).replace(f"{tmp_path}/", "") for one in caught.value.findings] == SHOWN


def test_with_a_role_of_its_own_the_scope_is_served(tmp_path: Path) -> None:
    configuration = load(_written(tmp_path, SCOPES.replace("orders-read", "payments-read")), environ={})
    assert (list(configuration.scopes), configuration.warnings) == (["payments:read"], ())


def test_every_key_of_a_ceiling_has_its_row() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [key for key in Ceiling.model_fields if key != "files"]
