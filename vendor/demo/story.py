"""Tells what happened in the demo, step by step, for a person at a terminal or a file."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.syntax import Syntax
from rich.text import Text

from vendor.demo.world import BUCKET, OBJECTS, OTHERS, OWN, ROLE, SCOPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from vendor.demo.proof import Check, Evidence, Reading
    from vendor.demo.world import World

_CODE = f"""\
s3 = boto3.client("s3")
s3.get_object(Bucket="{BUCKET}", Key="{OWN}")
s3.get_object(Bucket="{BUCKET}", Key="{OTHERS}")"""
_METRICS = (
    "vendor_exchanges_total{",
    "vendor_credentials_issued_total{",
    "vendor_credential_next_expiry_timestamp_seconds{",
    "vendor_sts_requests_total{",
    "vendor_refusals_total{",
)
_DECIDED = (
    "outcome",
    "grant",
    "role",
    "session_name",
    "source_identity",
    "duration_seconds",
    "access_key_id",
    "expiration",
    "source",
)
_COLUMNS = 92  # JSON that fits stays on one line


class Story:
    """Prints numbered steps on a console."""

    def __init__(self, *, console: Console) -> None:
        self._console = console
        self._step = 0

    def tell(self, *, world: World, evidence: Evidence, once: bool) -> None:
        """Print everything that was seen, and the commands to try by hand."""
        self._the_world(world)
        self._the_token(evidence)
        self._the_policy(world, evidence)
        self._the_readings(world, evidence)
        self._the_role(evidence)
        self._the_record(evidence)
        self._the_refusal(evidence)
        self._the_metrics(evidence)
        self._by_hand(world, once=once)

    def verdict(self, checks: Sequence[Check], *, seconds: float) -> None:
        """Print which promises were kept."""
        self._head("The verdict")
        for check in checks:
            word = ("kept", "green") if check.kept else ("BROKEN", "bold red")
            self._show(Text.assemble((f"{word[0]:8}", word[1]), check.promise))
        self._show(Text(f"{sum(check.kept for check in checks)} of {len(checks)}, in {seconds:.1f} s", style="bold"))

    def _the_world(self, world: World) -> None:
        self._head("A world on loopback")
        self._pairs(
            {
                "embedded AWS": f"{world.cloud.url}   account {world.cloud.account}",
                "role": f"{ROLE}   may read all of s3://{BUCKET}",
                "objects": "   ".join(f"s3://{BUCKET}/{key}" for key in OBJECTS),
                "issuer": f"{world.issuer.url}   signs with {world.issuer.key.kid}",
                "vendor serve": f"{world.service_url}   metrics and probes: {world.operations_url}",
                "vendor.yaml": str(world.configuration),
            }
        )

    def _the_token(self, evidence: Evidence) -> None:
        self._head("The pod holds a token, and no AWS key")
        self._say(f"Its claims, signed with {evidence.header['alg']} by {evidence.header['kid']}:")
        self._code(fold(evidence.claims), language="json")

    def _the_policy(self, world: World, evidence: Evidence) -> None:
        self._head("vendor.yaml says who may have what")
        yaml = world.configuration.read_text("utf-8")
        self._code(yaml[yaml.index("scopes:") :].rstrip(), language="yaml")
        self._say("Filled for this pod, the session policy that STS was given:")
        self._code(fold(json.loads(evidence.filled_policy)), language="json")

    def _the_readings(self, world: World, evidence: Evidence) -> None:
        self._head("Stock boto3, told by its environment alone")
        self._pairs(world.pod_settings())
        self._code(_CODE, language="python")
        self._reading(evidence.own)
        self._reading(evidence.others)

    def _the_role(self, evidence: Evidence) -> None:
        self._head("For comparison: the same role without a session policy")
        for reading in evidence.whole_role:
            self._reading(reading)

    def _the_record(self, evidence: Evidence) -> None:
        self._head("What the service decided, and wrote down before it answered")
        line = evidence.audit_line
        self._pairs({name: _plain(name, line[name]) for name in _DECIDED if line.get(name) is not None})
        self._say("The audit line, whole (never a secret in it):")
        self._show(Text(json.dumps(line), style="dim"))

    def _the_refusal(self, evidence: Evidence) -> None:
        self._head("An identity that no grant matches: marketing/reporter")
        self._say(f"HTTP {evidence.refused_status} from the service itself:")
        self._code(fold(evidence.refused), language="json")
        self._say("The caller learns no more; the operators read in the audit line:")
        self._pairs({name: str(evidence.refused_line.get(name)) for name in ("subject", "reason", "detail")})

    def _the_metrics(self, evidence: Evidence) -> None:
        self._head("What the operators see on /metrics")
        lines = [line for line in evidence.metrics if line.startswith(_METRICS) and not line.endswith(" 0.0")]
        self._show(Text("\n".join(lines)))

    def _by_hand(self, world: World, *, once: bool) -> None:
        self._head("By hand, " + ("after `vendor demo` without --once" if once else "while the world is up"))
        operator = f"--url {world.operations_url} --token-file {world.operator_file}"
        if shutil.which("vend") is None:  # as after `make demo`, which leaves no shell changed
            self._show(Text(f'export PATH="{Path(sys.executable).parent}:$PATH"', style="cyan"))
        for command in (
            f"export VENDOR_URL={world.service_url} VENDOR_TOKEN_FILE={world.token_file}",
            f'curl -s "$VENDOR_URL/v1/credentials/{SCOPE}" -H "Authorization: $(cat "$VENDOR_TOKEN_FILE")"',
            f"vend get {SCOPE} --param month=2026-03",
            f"( . {world.pod_environment}; {_read(OWN)} )",
            f"( . {world.pod_environment}; {_read(OTHERS)} )",
            f"curl -s {world.operations_url}/metrics | grep ^vendor_",
            f"cat {world.audit_file}",
            f"vendor leases {operator}",
            f"vendor revoke {operator} --scope {SCOPE} --for 1m",
        ):
            self._show(Text(command, style="cyan"))
        self._show(Text(f"and a page for people at {world.operations_url}/, where {world.operator_file} signs you in"))

    def _reading(self, reading: Reading) -> None:
        told = f"{reading.code} (HTTP {reading.status})\n{reading.message}" if reading.code else reading.body.rstrip()
        self._show(Text(f"GET s3://{BUCKET}/{reading.key}", style="bold"))
        self._show(Text(told, style="yellow" if reading.code else "green"), indent=6)

    def _head(self, title: str) -> None:
        self._step += 1
        self._console.print()
        self._console.print(Text(f"{self._step:2} {title}", style="bold reverse"))

    def _say(self, text: str) -> None:
        self._show(Text(text, style="italic"))

    def _pairs(self, pairs: Mapping[str, str]) -> None:
        width = max(map(len, pairs), default=0)
        for name, value in pairs.items():
            self._show(Text.assemble((f"{name:{width}}  ", "bold"), value))

    def _code(self, code: str, *, language: str) -> None:
        text = Syntax(code, language, background_color="default").highlight(code)
        text.rstrip()
        self._show(text)

    def _show(self, text: Text, *, indent: int = 3) -> None:
        """Print it indented and unwrapped, so that what is copied is whole."""
        for line in text.split():
            self._console.print(Text(" " * indent).append_text(line), soft_wrap=True)


def _read(key: str) -> str:
    """Return what reads an object: the AWS CLI, or else the boto3 that came with us."""
    if shutil.which("aws") is None:
        return f"{sys.executable} -m vendor.demo.pod {BUCKET} {key}"
    return f"aws s3 cp s3://{BUCKET}/{key} -"


def fold(value: Any, *, indent: int = 0) -> str:
    """Return JSON for people: what fits on a line stays on one."""
    line = json.dumps(value)
    if not isinstance(value, dict | list) or not value or indent + len(line) <= _COLUMNS:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        members = [f"{pad}{json.dumps(key)}: {fold(item, indent=indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(members) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + fold(item, indent=indent + 2) for item in value) + "\n" + " " * indent + "]"


def _plain(name: str, value: Any) -> str:
    if name != "expiration":
        return str(value)
    left = datetime.fromisoformat(str(value)) - datetime.now(tz=UTC)
    return f"{value}   in {round(left.total_seconds() / 60)} minutes"
