"""The two bare things that the service is measured against, each a process of its own.

LOOP is `asyncio` or `uvloop`. `python -m tests.benchmarks.bare LOOP handler BODY_FILE` serves that body from a bare
aiohttp handler and prints its URL. `python -m tests.benchmarks.bare LOOP mint STS_URL PARAMETERS_FILE` waits for a line
on stdin, makes one assume_role call for each line of the file (JSON), and prints the CPU seconds that they took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import web

CONCURRENCY = 8


async def serve(body: bytes) -> None:
    """Serve the same bytes from a plain aiohttp application until killed."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": "application/json", "Cache-Control": "no-store"})

    application = web.Application()
    application.router.add_get("/v1/credentials/{scope}", answer)
    runner = web.AppRunner(application, access_log=None, max_field_size=32768)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site.name, flush=True)  # noqa: T201 - its output
    await asyncio.Event().wait()


async def mint(url: str, requests: list[dict[str, object]]) -> None:
    """Make the calls, a few at a time, with one client."""
    session = get_session()
    config = AioConfig(max_pool_connections=100, retries={"total_max_attempts": 1, "mode": "standard"})
    async with session.create_client("sts", region_name="eu-west-1", endpoint_url=url, config=config) as client:
        await client.assume_role(**requests[0])
        await asyncio.to_thread(sys.stdin.readline)
        waiting = asyncio.Semaphore(CONCURRENCY)

        async def one(parameters: dict[str, object]) -> None:
            async with waiting:
                await client.assume_role(**parameters)

        began = time.process_time()
        await asyncio.gather(*(one(parameters) for parameters in requests))
        print(time.process_time() - began, flush=True)  # noqa: T201 - its output


def main() -> None:
    """Run what the arguments name."""
    loop, what, *rest = sys.argv[1:]
    if what == "handler":
        work = serve(Path(rest[0]).read_bytes())
    else:
        work = mint(rest[0], [json.loads(line) for line in Path(rest[1]).read_text().splitlines()])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if loop == "uvloop" else None) as runner:
        runner.run(work)


if __name__ == "__main__":
    main()
