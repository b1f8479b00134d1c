"""The embedded world of `vendor demo`: a cloud that enforces session policies, an issuer, and the service, on loopback.

What it shows is real: the service is `vendor serve` as a process, the pod is stock boto3, the refusal is the cloud's.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys

_WANTED = ("aiobotocore", "aiohttp", "boto3", "cryptography", "jwt", "rich", "ruamel")


def run(*, once: bool) -> int:
    """Run the demo and return its exit code: 0 if every step did what it should, 1 if not or if it cannot run."""
    missing = [name for name in _WANTED if importlib.util.find_spec(name) is None]
    if missing:
        absent = ", ".join(missing)
        sys.stderr.write(f"vendor demo: pip install 'credential-vendor[demo]' brings what is missing: {absent}\n")
        return 1
    # Here and not above: without the extra there is nothing to import.
    demonstration = importlib.import_module("vendor.demo.run")
    code: int = asyncio.run(demonstration.demonstrate(once=once))
    return code
