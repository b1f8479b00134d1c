"""A node and a pod, each a network namespace of its own; prints what became of their requests as one line of JSON.

Run by the tests as `unshare -n python -m tests.client.agent.node FOLDER`: this process is the node.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.client.agent.conftest import agent_of
from tests.client.agent.test_agent import token
from tests.client.service import TOKEN, Service

HERE = "169.254.170.23"
TASKS = "169.254.170.2"
EXTRA = "fd00:ec2::23"
REFUSED = f"""
import http.client, sys
connection = http.client.HTTPConnection("{HERE}")
connection.request("GET", "/v1/credentials", headers=dict.fromkeys(sys.argv[1:], "a.b.c"))
print(connection.getresponse().read().decode())
"""
BOTO3 = "import boto3; c = boto3.Session().get_credentials(); print(c.method, c.access_key)"


def run(*command: str, **environ: str) -> str:
    env = {"PATH": f"{os.defpath}:/sbin:/usr/sbin", "HOME": "/nonexistent", **environ}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  # ours
    return done.stdout.strip() or done.stderr.strip()[-300:]


def main(folder: Path) -> None:
    for line in (
        "link set lo up",
        "link add node0 type veth peer name pod0",
        "addr add 10.9.0.1/24 dev node0",
        "link set node0 up",
    ):
        run("ip", *line.split())
    with subprocess.Popen(["unshare", "-n", "sleep", "60"]) as pod, Service() as service:  # noqa: S607
        while Path(f"/proc/{pod.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            time.sleep(0.01)
        inside = ("nsenter", "-t", str(pod.pid), "-n")
        run("ip", "link", "set", "pod0", "netns", str(pod.pid))
        for line in (
            "addr add 10.9.0.2/24 dev pod0",
            "link set pod0 up",
            "link set lo up",
            "route add default via 10.9.0.1",
        ):
            run(*inside, "ip", *line.split())
        (folder / "token").write_text(TOKEN)
        mine = folder / "mine"
        mine.write_text(token("pod"))
        environ = {"VENDOR_URL": service.url, "VENDOR_TOKEN_FILE": str(folder / "token")}
        listen = ("--listen", f"{HERE}:80", "--listen", f"{TASKS}:80", "--listen", f"[{EXTRA}]:80")
        uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{HERE}/v1/credentials/reports:read"}
        relative = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v1/credentials/reports:read"}
        wide = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://[{EXTRA}]/v1/credentials/reports:read"}
        file = {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(mine)}
        ask = (sys.executable, "-c", BOTO3)
        told: dict[str, object] = {}
        with agent_of(environ, folder, "--pass-through", "--add-address", *listen):
            told["addresses"] = run("ip", "-brief", "addr", "show", "dev", "lo").split()[2:]
            told["pod"] = run(*inside, *ask, **uri, **file)
            told["with"] = [each.headers["Authorization"] == f"Bearer {mine.read_text()}" for each in service.asked]
            told["pod without a token"] = run(*inside, sys.executable, "-c", REFUSED)
            told["after that"] = len(service.asked)
        with agent_of(environ, folder, "reports:read", "--add-address", *listen):
            told["node by a relative URI"] = run(*ask, **relative)
            told["node by IPv6"] = run(*ask, **wide)
            told["pod of an agent that has an identity of its own"] = run(
                *inside, sys.executable, "-c", REFUSED, "Authorization"
            )
        told["without NET_ADMIN"] = run(
            *("setpriv", "--bounding-set=-net_admin", sys.executable, "-m", "vendor.client", "agent"),
            *("--pass-through", "--add-address", "--listen", "169.254.169.254:80"),
            **environ,
        )
        print(json.dumps(told))  # noqa: T201  # its output
        pod.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
