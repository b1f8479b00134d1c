"""T12, T14, T30: what must not be said in a configuration `vendor check` finds, and `vendor serve` does not begin.

One that is served already stays served by its last good one: `test_surroundings.py` and `test_stale.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.attacks.commands import Judged, judge
from tests.attacks.test_surroundings import DAMAGE
from tests.config.rules.breadth import BREADTH
from tests.config.sound import MARK, SOUND, changed
from tests.service import CONFIGURATION
from vendor.cli import main

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

SESSION: Final = SOUND[SOUND.index("    session:\n") :]
WITHOUT_POLICY: Final = {
    "no session": "^^",
    "a session of nothing": "    session: ^^{}\n",
    "null for a session": "    session: ^^null\n",
    "tags alone": "    session: ^^{tags: {month: '{{ month }}'}}\n",
    "a duration alone": "    session: ^^{duration: 1h}\n",
    "null for a policy": "    session:\n      policy: ^^null\n",
    "nothing for a policy": "    session:\n      policy: ^^\n",
    "an empty policy": "    session:\n      policy: ^^{}\n",
    "an empty text": "    session:\n      policy: ^^''\n",
    "a text of JSON": """    session:\n      policy: ^^'{"Version":"2012-10-17","Statement":[]}'\n""",
    "a list": "    session:\n      policy: ^^[]\n",
    "a version alone": "    session:\n      policy: ^^{Version: '2012-10-17'}\n",
    "no statement": "    session:\n      policy: {Version: '2012-10-17', Statement: ^^[]}\n",
    "a statement of nothing": "    session:\n      policy: {Version: '2012-10-17', Statement: [^^{}]}\n",
    "the name of no policy": "    session: {policy: ^^missing}\n",
    "a file that is not there": "    session: {policy_file: ^^missing.json}\n",
    "a file that is empty": "    session: {policy_file: ^^empty.json}\n",
    "a file of nothing": "    session: {policy_file: ^^nothing.json}\n",
    "ARNs alone": "    session: {policy_arns: ^^['arn:aws:iam::aws:policy/ReadOnlyAccess']}\n",
    "false": "    session: {unrestricted: ^^false}\n",
    "null for unrestricted": "    session: {unrestricted: ^^null}\n",
    "a text that is true": "    session: {unrestricted: ^^'true'}\n",
    "a one": "    session: {unrestricted: ^^1}\n",
    "yes": "    session: {unrestricted: ^^yes}\n",
    "another spelling": "    session: {Unrestricted: ^^true}\n",
    "both": SESSION + "      unrestricted: ^^true\n",
}
TOO_BROAD: Final = {name.removeprefix("t14: "): rule for name, rule in BREADTH.items() if name.startswith("t14: ")}
DEFAULTS: Final = "^^defaults: {session: {unrestricted: true}}\nscopes:\n"
NOT_SERVED: Final = "http://127.0.0.1:1"
CASES: Final[dict[str, str | bytes]] = {
    **{f"T12 {how}": changed(SESSION, said) for how, said in WITHOUT_POLICY.items()},
    "T12 a default for all": changed(SESSION, "").replace("scopes:\n", DEFAULTS),
    **{f"T14 {how}": changed(rule.old, rule.new) for how, rule in TOO_BROAD.items()},
    **{
        f"T30 {how}": damage(CONFIGURATION.format(audit="audit.jsonl", issuer=NOT_SERVED, sts=NOT_SERVED))
        for how, damage in DAMAGE.items()
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """Return what became of each case."""
    folder = tmp_path_factory.mktemp("configurations")
    (folder / "empty.json").write_text("")
    (folder / "nothing.json").write_text("{}")
    paths = [folder / f"case-{number}.yaml" for number in range(len(CASES))]
    for path, said in zip(paths, CASES.values(), strict=True):
        path.write_bytes(said if isinstance(said, bytes) else said.replace(MARK, "").encode())
    return dict(zip(CASES, await judge(paths), strict=True))


@pytest.mark.parametrize("name", CASES, ids=[name[:100] for name in CASES])
async def test_t12_t14_t30_what_must_not_be_said_is_told_and_not_served(judged: dict[str, Judged], name: str) -> None:
    """T12, T14, T30: the check finds it, the service does not begin, and both say the same."""
    ended = judged[name]
    found = ended.found()
    assert (ended.check.code, ended.serve.code) == (1, 1)
    assert found
    assert all(one["message"] and one["code"] for one in found)
    assert not [word for word in ("listening", "Traceback", "CANARY") if word in ended.serve.err + ended.serve.out]
    assert all(f"{one['file']}:{one['line']}:{one['column']}: " in ended.serve.err for one in found)


@pytest.mark.parametrize("name", TOO_BROAD, ids=[f"T14 {name}"[:100] for name in TOO_BROAD])
async def test_t14_the_very_place_of_what_is_too_broad_is_told(judged: dict[str, Judged], name: str) -> None:
    """T14: and nothing else is."""
    (found,) = judged[f"T14 {name}"].found()
    before = str(CASES[f"T14 {name}"]).partition(TOO_BROAD[name].at or MARK)[0]
    assert (found["line"], found["column"]) == (before.count("\n") + 1, len(before) - before.rfind("\n"))


@pytest.mark.parametrize("text", [SOUND, changed(SESSION, "    session: {unrestricted: true}\n")])
async def test_t12_t14_what_may_be_said_is_found_sound(tmp_path: Path, text: str) -> None:
    """T12, T14: the same file without what is wrong in it is taken: it is that which is refused."""
    path = tmp_path / "vendor.yaml"
    path.write_text(text)
    assert main(["check", str(path)]) == 0
