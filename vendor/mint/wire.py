"""The wire of AWS: its Query and JSON protocols, signed and read by botocore, without what its clients do around it.

Source: "Making query requests" in the IAM user guide; botocore's `query` and `json` serializers and parsers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from botocore.exceptions import ClientError
from botocore.model import ServiceModel
from botocore.parsers import JSONParser, QueryParser

from vendor.mint.answer import read_time
from vendor.mint.signing import Signing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.credentials import ReadOnlyCredentials
    from botocore.loaders import Loader
    from botocore.model import OperationModel

HEADERS: Final = {"User-Agent": "credential-vendor", "Accept-Encoding": "identity"}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
_FAILED: Final = 300


class Wire:
    """Writes requests and reads answers of one service by botocore's model of it."""

    def __init__(self, loader: Loader, service: str = "sts") -> None:
        self._model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        self._json = self._model.metadata["protocol"] == "json"
        self._parser = (JSONParser if self._json else QueryParser)(timestamp_parser=read_time)
        self._service = service
        self._operations: dict[str, OperationModel] = {}
        self._signing: dict[tuple[str, str], Signing] = {}

    def operation(self, action: str) -> OperationModel:
        """Return botocore's model of an action."""
        if action not in self._operations:
            self._operations[action] = self._model.operation_model(action)
        return self._operations[action]

    def body(self, action: str, members: Mapping[str, Any]) -> bytes:
        """Return the form of a request, or its JSON."""
        if self._json:
            return json.dumps(members, separators=(",", ":")).encode()
        fields = [("Action", action), ("Version", self._model.api_version), *_flat("", members)]
        return "&".join([f"{name}={quote_plus(value)}" for name, value in fields]).encode()

    def headers(
        self, action: str, body: bytes, url: str, region: str, keys: ReadOnlyCredentials | None
    ) -> dict[str, str]:
        """Return the headers of a request, signed (Signature Version 4) unless there are no keys."""
        own = self._target(action) if self._json else _FORM
        if keys is None:
            return {**HEADERS, **own}
        signing = self._signing.get((url, region))
        if signing is None:
            signing = self._signing[url, region] = Signing(url=url, service=self._service, region=region)
        return {**HEADERS, **signing.signed(own, body, keys)}

    def read(self, action: str, status: int, body: bytes) -> Mapping[str, Any]:
        """Return what an answer says.

        Raises ClientError for a refusal of AWS; for what is no answer of AWS whatever botocore's parser raises.
        """
        answer = {"status_code": status, "headers": {}, "body": body}
        said: dict[str, Any] = self._parser.parse(answer, self.operation(action).output_shape)
        if status >= _FAILED:
            raise ClientError(said, action)
        return said

    def _target(self, action: str) -> dict[str, str]:
        metadata = self._model.metadata
        return {
            "Content-Type": f"application/x-amz-json-{metadata['jsonVersion']}",
            "X-Amz-Target": f"{metadata['targetPrefix']}.{action}",
        }


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the fields of a form that members nested in each other make."""
    if isinstance(value, dict):
        for inner, held in value.items():
            yield from _flat(f"{name}.{inner}" if name else inner, held)
    elif isinstance(value, list):
        for number, held in enumerate(value, 1):
            yield from _flat(f"{name}.member.{number}", held)
    else:
        yield name, str(value)
