"""T17 under traffic: sessions that differ in one thing, mixed, through memories that are too small for all of them."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fakes.issuer import Issuer
from tests.fakes.sts import numbered
from tests.faults import asked
from tests.faults.asked import Asked
from tests.faults.replicas import FleetRig
from tests.faults.traffic import Call, lines_of
from tests.fleet import SHARING
from tests.server.http import request
from tests.service import with_room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.fakes.sts_wire import Request
    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

NAMES: Final = 100
"""Service accounts by their names, each of which there is in two namespaces of two clusters."""
CLUSTERS: Final = ("cluster-a", "cluster-b")
NAMESPACES: Final = ("analytics", "finance")
ROOM: Final = 300
"""Leases that a replica holds, of thousands."""
RATE: Final = 120
"""Requests a second to each of three replicas."""
SECONDS: Final = 60
HOT: Final = 200
"""Asks that half of the requests are for."""
SCOPE: Final = """\
  %(name)s:
    grants:
      - {{issuer: cluster-a, where: {{namespace: [analytics, finance], service_account: {{glob: "batch-*"}}}}}}
      - {{issuer: cluster-b, where: {{namespace: [analytics, finance], service_account: {{glob: "batch-*"}}}}}}
    parameters:
      month: {{pattern: "[0-9]{{4}}-[0-9]{{2}}", default: "2026-01"}}
      account: {{one_of: ["111122223333", "444455556666"], default: "111122223333"}}
      role: {{one_of: [reader, auditor], default: reader}}
    target: %(target)s
    mint:
      assume_role:
        role: "arn:aws:iam::{{{{ account }}}}:role/{{{{ role }}}}"
        external_id: CANARY-%(external_id)s
    session:
      policy:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: "s3:GetObject"
            Resource: "arn:aws:s3:::reports/{{{{ namespace }}}}/{{{{ month }}}}/*"
      policy_arns: %(policy_arns)s
      tags: {{namespace: "{{{{ namespace }}}}", pod: "{{{{ pod }}}}"}}
      transitive_tags: [%(transitive)s]
      source_identity: "{{{{ issuer }}}}.{{{{ namespace }}}}.{{{{ service_account }}}}"
      duration: 1h
      max_duration: 4h
"""
PLAIN: Final = {"target": "aws", "external_id": "one", "policy_arns": "[]", "transitive": "namespace"}
READ_ONLY: Final = "arn:aws:iam::aws:policy/ReadOnlyAccess"
# Each differs from the first in one thing, the second in its name alone.
SCOPES: Final[dict[str, dict[str, str]]] = {
    "one:read": PLAIN,
    "same:read": PLAIN,
    "external:read": {**PLAIN, "external_id": "two"},
    "region:read": {**PLAIN, "target": "other"},
    "arns:read": {**PLAIN, "policy_arns": f'["{READ_ONLY}"]'},
    "transitive:read": {**PLAIN, "transitive": "pod"},
}
SWAPPED: Final = {**SCOPES, "one:read": SCOPES["external:read"], "external:read": SCOPES["one:read"]}
# What is asked for: a scope, what the query says, and by which of its pods. Each differs from the first in one thing.
ASKS: Final[list[tuple[str, dict[str, str], str]]] = [
    ("one:read", {}, "pod-0"),
    ("one:read", {}, "pod-1"),
    ("one:read", {"month": "2026-02"}, "pod-0"),
    ("one:read", {"account": "444455556666"}, "pod-0"),
    ("one:read", {"role": "auditor"}, "pod-0"),
    ("one:read", {"duration_seconds": "3599"}, "pod-0"),
    ("one:read", {"duration_seconds": "900"}, "pod-0"),
    *((scope, {}, "pod-0") for scope in SCOPES if scope != "one:read"),
]


def _text(scopes: Mapping[str, Mapping[str, str]], other: Issuer) -> str:
    """Return a configuration with two clusters and two targets."""
    head = SHARING.partition("scopes:\n")[0]
    cluster = f'  cluster-b: {{{{issuer: "{other.issuer}", audience: vendor, kind: kubernetes, '
    head = head.replace("targets:\n", cluster + "allow_private_addresses: true}}\ntargets:\n")
    head += '  other: {{endpoint_url: "{sts}", regions: [eu-central-1]}}\n'
    return f"{head}scopes:\n" + "".join(SCOPE % {"name": name, **said} for name, said in scopes.items())


async def test_t17_nobody_is_lent_what_differs_in_one_thing_from_what_is_theirs(tmp_path: Path, tell: Tell) -> None:
    """T17: 400 principals of two clusters ask three replicas for twelve sessions each that differ in one thing.

    Promised: everybody is given the session that they asked for, by the rules of that moment, and no key id is of two
    of them: through evictions, a store that is shared, and a reload that swaps what two scopes are.
    """
    async with (
        Issuer() as other,
        FleetRig(tmp_path, configuration=_text(SCOPES, other), straight=True, environ=with_room(tmp_path, ROOM)) as rig,
    ):
        sts = rig.fleet.sts
        sts.ids = numbered()
        asks = list(_asks({"cluster-a": rig.fleet.issuer, "cluster-b": other}))
        flows = []
        for number in range(3):
            dice = random.Random(number)  # noqa: S311 - alike in every run
            mixed = [dice.choice(asks[: dice.choice((HOT, len(asks)))]) for _ in range(RATE * SECONDS)]
            flows += await rig.send(mixed, rate=RATE, seconds=SECONDS, to=[number])
        await asyncio.sleep(SECONDS / 2)
        began = time.monotonic()
        happened = await reload(rig, _text(SWAPPED, other))
        results = await rig.all_results(flows)
        sources = {
            one: await rig.total("vendor_credentials_issued_total", source=one) for one in ("memory", "store", "sts")
        }
        wrong = sum(_wrong(one, sts.issued, began, happened) for one in results)
        whose = _whose(results)
        shared = sum(len(calls) > 1 for calls in whose.values())
        answers = sum(len(one.answers) for one in results)
        given = sum(one.counts.get("200", 0) for one in results)
        tell(f"{'; '.join(one.told() for one in results)}; {sources}")
        tell.measured(
            f"{answers:,} requests for {len(asks):,} sessions; {given:,} hand-outs of {len(whose):,} keys "
            f"({sources['memory']:,} from memory, {sources['store']:,} from the store, {sources['sts']:,} from STS), "
            f"{wrong} wrong, {shared} keys of two; {len(sts.requests):,} STS calls"
        )
        assert (wrong, shared) == (0, 0)
        assert given >= 0.98 * answers  # a busy machine's STS is late at times
        assert min(sources.values()) > 1_000
        assert len(sts.requests) <= 1.02 * len(whose)


def _asks(issuers: Mapping[str, Issuer]) -> Iterator[Call]:
    """Return a request for each session, and of what of STS it may be answered before the reload and after it."""
    for number, namespace, cluster in product(range(NAMES), NAMESPACES, CLUSTERS):
        name = f"batch-{number}"
        pods = {pod: issuers[cluster].token(_claims(name, namespace, pod)) for pod in ("pod-0", "pod-1")}
        for scope, said, pod in ASKS:
            query = "&".join(f"{key}={value}" for key, value in said.items())
            raw = request(f"/v1/credentials/{scope}" + (f"?{query}" if query else ""), pods[pod])
            who = f"{cluster}.{namespace}.{name}"
            yield Call(raw, who, tuple(_made(of[scope], who, namespace, pod, said) for of in (SCOPES, SWAPPED)))


def _claims(name: str, namespace: str, pod: str) -> dict[str, Any]:
    return {
        "sub": f"system:serviceaccount:{namespace}:{name}",
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": "u-1"},
            "pod": {"name": pod, "uid": pod},
        },
    }


def _made(scope: Mapping[str, str], who: str, namespace: str, pod: str, said: Mapping[str, str]) -> Asked:
    """Return what STS has to be asked for."""
    resource = f"arn:aws:s3:::reports/{namespace}/{said.get('month', '2026-01')}/*"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}
    return Asked(
        source_identity=who,
        region="eu-west-1" if scope["target"] == "aws" else "eu-central-1",
        role_arn=f"arn:aws:iam::{said.get('account', '111122223333')}:role/{said.get('role', 'reader')}",
        external_id=f"CANARY-{scope['external_id']}",
        policy=asked.canonical({"Version": "2012-10-17", "Statement": [statement]}),
        policy_arns=(READ_ONLY,) if READ_ONLY in scope["policy_arns"] else (),
        tags=(("namespace", namespace), ("pod", pod)),
        transitive_tags=(scope["transitive"],),
        duration=int(said.get("duration_seconds", 3600)),
    )


async def reload(rig: FleetRig, configuration: str, generation: int = 2) -> float:
    """Give all replicas another configuration, and return the moment from which all of them decide by it."""
    rig.fleet.configuration = configuration
    for number, folder in enumerate(rig.fleet.folders):
        (folder / "vendor.yaml.new").write_text(rig.fleet.text(number))
        (folder / "vendor.yaml.new").rename(folder / "vendor.yaml")
    async with asyncio.timeout(30):
        while await rig.total("vendor_config_generation") != generation * len(rig.fleet.replicas):  # noqa: ASYNC110 - processes
            await asyncio.sleep(0.02)
    return time.monotonic()


def _wrong(results: Results, issued: Mapping[str, Request], began: float, happened: float) -> int:
    """Return how many were given what is not theirs, or not theirs any more, or not yet."""
    wrong = 0
    for call, answer in lines_of(results):
        if answer.status == 200:
            before, after = call.asked
            sent, came = results.began + answer.due, results.moment(answer)
            may = {after} if sent > happened else {before} if came < began else {before, after}
            wrong += asked.of(issued[answer.key_id]) not in may
    return wrong


def _whose(results: list[Results]) -> dict[str, set[bytes]]:
    """Return what was asked for where each key id was given."""
    whose: dict[str, set[bytes]] = defaultdict(set)
    for one in results:
        for call, answer in lines_of(one):
            if answer.status == 200:
                whose[answer.key_id].add(call.raw)
    return whose
