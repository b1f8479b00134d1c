"""`vendor webhook`: the admission webhook, by which annotated service accounts' pods find the service."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from vendor.kubernetes.webhook import Webhook

_EPILOG: Final = (
    "Its certificate is one that you give, or one that it signs itself with a CA that you give, and renews. The API "
    "server is found as a pod finds it. Exit codes: 0 it was told to end, 1 it cannot serve, 2 usage."
)
_IN_POD: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("webhook", help="serve the admission webhook of Kubernetes", epilog=_EPILOG)
    command.add_argument("--listen", default="0.0.0.0:8443", type=_address, metavar="HOST:PORT", help="where")
    command.add_argument("--service-url", required=True, type=_origin, metavar="URL", help="the service, for pods")
    command.add_argument("--agent-url", default="http://169.254.170.23", type=_origin, metavar="URL", help="the agent")
    command.add_argument("--mode", choices=("agent", "direct", "sts"), default="direct", help="where none is annotated")
    command.add_argument("--audience", default="vendor", help="of the tokens, where none is annotated")
    command.add_argument("--token-expiration", default=3600, type=_expiration, metavar="S", help="in seconds")
    command.add_argument("--region", default="", help="AWS_REGION for pods that have none")
    command.add_argument("--tls-certificate", type=Path, metavar="F", help="PEM, followed")
    command.add_argument("--tls-private-key", type=Path, metavar="F", help="PEM, followed")
    command.add_argument("--ca-certificate", type=Path, metavar="F", help="PEM, followed")
    command.add_argument("--ca-private-key", type=Path, metavar="F", help="PEM, followed")
    command.add_argument("--certificate-name", metavar="NAME", help="the DNS name that the API server asks for")
    command.add_argument("--api-server", metavar="URL", help="https URL of the API server")
    command.add_argument("--api-token-file", default=f"{_IN_POD}/token", metavar="F", help="the webhook's own token")
    command.add_argument("--api-ca-file", default=f"{_IN_POD}/ca.crt", metavar="F", help="who vouches for it")
    command.add_argument("--look", default=30.0, type=float, metavar="S", help="seconds between looks at its files")
    command.set_defaults(run=_run, parser=command)


def _run(options: argparse.Namespace) -> int:
    from vendor import cores, logs  # noqa: PLC0415 - each command loads only what it needs
    from vendor.kubernetes.certificate import CertificateError  # noqa: PLC0415

    given = (options.tls_certificate, options.tls_private_key)
    signed = (options.ca_certificate, options.ca_private_key, options.certificate_name)
    if all(given) == all(signed) or (any(given) and any(signed)) or not (all(given) or all(signed)):
        options.parser.error(
            "give --tls-certificate and --tls-private-key, or --ca-certificate, --ca-private-key and --certificate-name"
        )
    if options.api_server is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
        options.parser.error("outside of a pod --api-server says where the API server is")
    cores.forbid()
    logs.configure(stream=sys.stderr, pretty=sys.stderr.isatty() and "NO_COLOR" not in os.environ)
    try:
        asyncio.run(_serve(options))
    except (OSError, CertificateError) as exc:
        logs.logger().error("cannot serve", detail=str(exc))
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    from vendor import logs  # noqa: PLC0415
    from vendor.files import Followed, load_chain  # noqa: PLC0415
    from vendor.identity.api_server import ApiServerClient  # noqa: PLC0415
    from vendor.identity.issuer import ApiServer  # noqa: PLC0415
    from vendor.kubernetes.shown import Shown  # noqa: PLC0415
    from vendor.process import SystemClock  # noqa: PLC0415

    until = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, until.set)
    server = ApiServer(
        origin=options.api_server or _in_pod(), token_file=options.api_token_file, ca_file=options.api_ca_file
    )
    client = ApiServerClient(server=server, token=Followed(server.token_file), ca=Followed(server.ca_file))
    shown = Shown(
        certificate=Followed(options.ca_certificate or options.tls_certificate),
        key=Followed(options.ca_private_key or options.tls_private_key),
        name=options.certificate_name,
        clock=SystemClock(),
        load=load_chain,
    )
    shown.renew()
    try:
        host, port = options.listen
        async with _webhook(options, client).served(host, port, shown.context) as url:
            logs.logger().info("listening", webhook=url, service=options.service_url, mode=options.mode)
            renewing = asyncio.create_task(shown.keep(told=_told, look=options.look))
            await until.wait()
            renewing.cancel()
            logs.logger().info("draining")
    finally:
        await client.close()


def _webhook(options: argparse.Namespace, client: Any) -> Webhook:
    from vendor import logs  # noqa: PLC0415
    from vendor.kubernetes.accounts import ServiceAccounts  # noqa: PLC0415
    from vendor.kubernetes.admission import Admission  # noqa: PLC0415
    from vendor.kubernetes.annotations import Mode  # noqa: PLC0415
    from vendor.kubernetes.counter import Counter  # noqa: PLC0415
    from vendor.kubernetes.injection import Places  # noqa: PLC0415
    from vendor.kubernetes.webhook import MOST, Webhook  # noqa: PLC0415
    from vendor.process import SystemClock  # noqa: PLC0415
    from vendor.server.gate import Gate  # noqa: PLC0415

    places = Places(
        service_url=options.service_url,
        agent_url=options.agent_url,
        token_expiration=options.token_expiration,
        region=options.region,
    )
    accounts = ServiceAccounts(client)
    admission = Admission(accounts=accounts, places=places, mode=Mode(options.mode), audience=options.audience)
    return Webhook(
        admission=admission,
        counter=Counter(),
        gate=Gate(clock=SystemClock(), most=MOST),
        failed=lambda exc: logs.logger().error("defect", exc_info=exc),
    )


def _told(exc: Exception | None) -> None:
    from vendor import logs  # noqa: PLC0415

    if exc is None:
        logs.logger().info("certificate renewed")
    else:
        logs.logger().error("certificate not renewed", detail=str(exc))


def _in_pod() -> str:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the largest port
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, not {text}")
    return host.strip("[]"), int(port)


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or "@" in text:
        raise argparse.ArgumentTypeError(f"expected a URL without user, query and fragment, not {text}")
    return text.rstrip("/")


def _expiration(text: str) -> int:
    if not text.isdigit() or not 600 <= int(text) <= 86_400:  # noqa: PLR2004 - as Kubernetes and sense have it
        raise argparse.ArgumentTypeError(f"expected whole seconds from 600 to 86400, not {text}")
    return int(text)
