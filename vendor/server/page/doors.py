"""The doors of the page: what anybody on the operators' listener may see, and what operators may see and do.

Without a token it shows what the metrics show: no identities. A form that says `do` is answered with the whole page
and what came of it. Whoever changes something has sent a token with that very request, in a header or in the form, so
that no other site can have it sent: there is no cookie.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from vendor.refusals import InvalidRequest, Reason, Refusal, UnsupportedMediaType
from vendor.server import body, documents, errors, wire
from vendor.server.answer import Answer
from vendor.server.page import looks, sections, tools
from vendor.server.page.html import element, join, raw
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from vendor.identity.principal import Principal
    from vendor.server.listener import Doors, Visit
    from vendor.server.page.desk import Desk
    from vendor.server.page.html import Html
    from vendor.server.page.overview import Overview
    from vendor.server.page.recent import Seen

MOST_FIELDS: Final = 20
HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": looks.content_security_policy(),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class PageDoors:
    """Answers `GET /`, `POST /` and `GET /v1/status`.

    `operator` returns who a token proves to be an operator, or raises Refusal.
    """

    def __init__(
        self,
        *,
        overview: Callable[[], Overview],
        latest: Callable[[], Sequence[Seen]],
        desk: Desk,
        operator: Callable[[str | None, float], Awaitable[Principal]],
    ) -> None:
        self._overview = overview
        self._latest = latest
        self._desk = desk
        self._operator = operator

    def find(self, segments: tuple[str, ...]) -> Doors | None:
        """Return the doors of a path by method, None if there is nothing."""
        match segments:
            case ("",):
                return {"GET": self._show, "POST": self._act}
            case ("v1", "status"):
                return {"GET": self._status}
            case _:
                return None

    async def _status(self, visit: Visit) -> Answer:
        """Answer what the page shows, as JSON, for operators."""
        visit.target.refuse_query()
        await self._operator(wire.read_token(visit.request), visit.began)
        # In a thread: of thousands of scopes there is much to write, and the loop has others to serve.
        body = await asyncio.to_thread(_written, self._overview(), self._latest())
        return Answer(200, body, visit.request_id)

    async def _show(self, visit: Visit) -> Answer:
        visit.target.refuse_query()
        return await self._answer(visit, {})

    async def _act(self, visit: Visit) -> Answer:
        """Answer a form."""
        visit.target.refuse_query()
        return await self._answer(visit, _form(await _read(visit)))

    async def _answer(self, visit: Visit, asked: dict[str, str]) -> Answer:
        """Answer with the page, and with what came of what was asked for."""
        sent, typed = wire.read_token(visit.request), asked.pop("token", "").strip() or None
        do, principal, status, notices = asked.get("do", ""), None, 200, []
        done: dict[str, Any] = {}
        try:
            if (sent or typed or do not in {"", "sign-out"}) and do != "sign-out":
                principal = await self._operator(sent or typed, visit.began)
                done = await self._do(do, asked, principal, visit)
        except Refusal as refusal:
            status = errors.STATUS[refusal.code]
            notices.append(element("p", refusal.public, class_="notice bad", role="alert"))
        if "notice" in done:
            notices.append(element("p", done["notice"], class_="notice good", role="status"))
        kept = typed if principal is not None and sent is None else None
        seen = self._overview() if principal is not None else self._overview().for_anybody()
        body = self._page(seen, principal, kept, asked, done, notices)
        more = {} if principal is None else _ending(principal, seen)
        return Answer(status, body.encode(), visit.request_id, HEADERS | more)

    async def _do(self, do: str, asked: dict[str, str], principal: Principal, visit: Visit) -> dict[str, Any]:
        match do:
            case "" | "sign-in":
                return {}
            case "find":
                return {"found": await self._desk.find(asked.get("access_key_id", "").strip())}
            case "explain":
                return {"told": self._desk.explain(_supposed(asked))}
            case "revoke":
                made = await self._desk.revoke(_stopped(asked), principal, visit)
                return {"notice": f"Stopped by revocation {made['id']}, until {made['until']}. {_out(made)}"}
            case "lift":
                lifted = await self._desk.lift(asked.get("id", ""), principal, visit)
                return {"notice": f"Revocation {lifted['id']} is lifted."}
            case _:
                raise InvalidRequest(Reason.MALFORMED_REQUEST, "the form asks for nothing that there is")

    def _page(
        self,
        seen: Overview,
        principal: Principal | None,
        token: str | None,
        asked: Mapping[str, str],
        done: Mapping[str, Any],
        notices: list[Html],
    ) -> Html:
        parts = [*notices]
        if principal is not None:
            parts.append(tools.signed_in(f"{principal.issuer} {principal.subject}", token))
        parts.append(element("div", sections.health(seen), sections.targets(seen), class_="row"))
        parts += [sections.scopes(seen), sections.expiry(seen)]
        if principal is not None:
            parts.append(sections.recent(self._latest(), seen.now))
        parts.append(sections.issuers(seen))
        parts.append(tools.sign_in() if principal is None else self._tools(seen, token, asked, done))
        return _document(seen, parts)

    def _tools(self, seen: Overview, token: str | None, asked: Mapping[str, str], done: Mapping[str, Any]) -> Html:
        names, issuers = [one.name for one in seen.scopes], [one.name for one in seen.issuers]
        finder = tools.finder(token, asked, done.get("found"))
        return join(
            element("div", finder, tools.stopper(token, asked, names), class_="row"),
            tools.tester(token, asked, issuers, names, done.get("told")),
            tools.standing(token, self._desk.standing()),
        )


def _ending(principal: Principal, seen: Overview) -> dict[str, str]:
    """Return what has a browser without scripts show names for no longer than the token is good that it sent."""
    left = (principal.token_expires - seen.now).total_seconds()
    return {"Refresh": f"{max(0, int(left))}; url=./"}


def _written(seen: Overview, latest: Sequence[Seen]) -> bytes:
    recent = [{**one._asdict(), "time": documents.timestamp(one.time)} for one in latest]
    return documents.dump({**seen.written(), "recent": recent})


def _document(seen: Overview, parts: list[Html]) -> Html:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"credential vendor: {'ready' if seen.why_not is None else 'not ready'}"),
        element("style", raw(looks.STYLE)),
    )
    header = element(
        "header",
        element("h1", "Credential vendor"),
        element("span", f"as of {seen.now:%H:%M:%S} UTC", class_="quiet", id="as-of", data_live=True),
    )
    body = element(
        "body",
        element("a", "Skip to what is shown", href="#main", class_="skip"),
        header,
        element("main", *parts, id="main"),
        element("p", "", id="said", class_="hidden", role="status", aria_live="polite"),
        element("footer", "Times are UTC. With scripts the page is current within five seconds; without, reload it."),
        element("script", raw(looks.SCRIPT)),
    )
    return join(raw("<!doctype html>"), element("html", head, body, lang="en"))


async def _read(visit: Visit) -> bytes:
    if visit.request.content_type != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType(Reason.MEDIA_TYPE, "send the form as application/x-www-form-urlencoded")
    return await body.read_raw(visit.request)


def _form(raw_form: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw_form.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "the form is malformed") from exc
    asked = dict(pairs)
    if len(asked) != len(pairs):
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "a field of the form stands twice")
    return asked


def _supposed(asked: Mapping[str, str]) -> dict[str, Any]:
    return {
        "issuer": asked.get("issuer", ""),
        "scope": asked.get("scope", ""),
        "attributes": _object(asked, "attributes"),
        "parameters": _object(asked, "parameters"),
    }


def _object(asked: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        return read_object((asked.get(name, "").strip() or "{}").encode())
    except StrictJSONError as exc:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, f"{name} must be a JSON object: {exc}") from exc


def _stopped(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what the door for revocations takes."""
    if asked.get("sure") != "yes":
        raise InvalidRequest(Reason.MALFORMED_REQUEST, "say that you are sure")
    hours = asked.get("hours", "").strip()
    if not (hours.isascii() and hours.isdigit() and len(hours) < 4 and 0 < int(hours) <= 744):  # noqa: PLR2004 - 31 days
        raise InvalidRequest(Reason.DURATION, "hours must be a whole number from 1 to 744")
    named = {"scope": "scope", "principal": "principal", "revoked_key": "access_key_id", "reason": "reason"}
    said = {member: asked[name].strip() for name, member in named.items() if asked.get(name, "").strip()}
    return {**said, "duration_seconds": int(hours) * 3600}


def _out(made: Mapping[str, Any]) -> str:
    count, last = made["sessions"], made["last_expiration"]
    if not count:
        return "None of their sessions is known to be out."
    return f"{json.dumps(count)} of their sessions are out at AWS, the last one until {last}."
