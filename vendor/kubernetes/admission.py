"""Admission: the API server's question about a pod, and an answer that always lets it in.

Source: the AdmissionReview of admission.k8s.io/v1.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.kubernetes.annotations import PREFIX, AnnotationError, Mode, read_annotations
from vendor.kubernetes.injection import Injection, Places, inject

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND: Final = "AdmissionReview"
VERSION: Final = "admission.k8s.io/v1"
MIRROR: Final = "kubernetes.io/config.mirror"
"""The annotation of a mirror pod (Kubernetes: Static Pods), whose shape is the kubelet's to say."""


class ReviewError(Exception):
    """What came is no AdmissionReview of a pod."""


class AccountsError(Exception):
    """A service account that cannot be read; the message says why."""


class Accounts(Protocol):
    """Knows service accounts."""

    async def annotations(self, namespace: str, name: str) -> Mapping[str, str]:
        """Return the annotations of a service account, none if there is no such account.

        Raises AccountsError.
        """
        ...


class Admission:
    """Answers reviews; `mode` and `audience` are for service accounts that do not say."""

    def __init__(self, *, accounts: Accounts, places: Places, mode: Mode, audience: str) -> None:
        self._accounts = accounts
        self._places = places
        self._mode = mode
        self._audience = audience

    async def review(self, question: Any) -> tuple[dict[str, Any], str]:
        """Return the answer to a review, and what became of the pod: `injected`, `unchanged` or `failed`.

        Raises ReviewError.
        """
        if not isinstance(question, dict):
            raise ReviewError("expected a JSON object")
        request = question.get("request")
        known = (question.get("apiVersion"), question.get("kind")) == (VERSION, KIND)
        if not known or not isinstance(request, dict) or "uid" not in request:
            raise ReviewError(f"expected a {KIND} of {VERSION} with a request")
        try:
            injection = await self._injection(request)
            result = "injected" if injection.patch else "unchanged"
        except (AnnotationError, AccountsError) as exc:
            injection, result = Injection(warnings=[f"{exc}; nothing is injected"[:256]]), "failed"
        except (KeyError, TypeError, AttributeError) as exc:
            raise ReviewError(f"expected a pod: {type(exc).__name__}") from exc
        return _answer(request["uid"], injection), result

    async def _injection(self, request: Mapping[str, Any]) -> Injection:
        pod = request["object"]
        if pod["kind"] != "Pod" or _declines(pod):
            return Injection()
        name = pod["spec"].get("serviceAccountName") or "default"
        annotations = await self._accounts.annotations(request["namespace"], name)
        wanted = read_annotations(annotations, mode=self._mode, audience=self._audience)
        if wanted is None:
            return Injection()
        ephemeral = request.get("subResource") == "ephemeralcontainers"
        if ephemeral:
            wanted = replace(wanted, skipped=wanted.skipped | _running(request))
        return inject(pod, wanted, self._places, ephemeral=ephemeral)


def _declines(pod: Mapping[str, Any]) -> bool:
    """Tell whether a pod is to be left alone: it says so, or it mirrors what a kubelet runs and may have no token."""
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    return annotations.get(f"{PREFIX}inject") == "false" or MIRROR in annotations


def _running(request: Mapping[str, Any]) -> frozenset[str]:
    """Return the ephemeral containers that are there already: who changes one has the whole request refused."""
    spec = (request.get("oldObject") or {}).get("spec") or {}
    return frozenset(one["name"] for one in spec.get("ephemeralContainers") or [])


def _answer(uid: object, injection: Injection) -> dict[str, Any]:
    response: dict[str, Any] = {"uid": uid, "allowed": True}
    if injection.patch:
        patch = json.dumps(injection.patch, separators=(",", ":")).encode()
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
    if injection.warnings:
        response["warnings"] = injection.warnings
    return {"apiVersion": VERSION, "kind": KIND, "response": response}
