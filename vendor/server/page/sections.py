"""The parts of the page that show what is: each a section with a heading, renewed by the script while it is open."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from vendor.server import documents
from vendor.server.page.html import element, join
from vendor.server.page.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vendor.server.page.html import Html
    from vendor.server.page.overview import IssuerSeen, Overview, ScopeSeen, TargetSeen
    from vendor.server.page.recent import Seen

OLD_KEYS = 6 * 3600.0
"""Seconds after which an issuer's keys are pointed at."""
ROWS = 200
"""Rows of any table, whatever there is: others wait for credentials while a page is made. `/v1/status` has all."""
SHOWN = 12
"""Exchanges of each kind that are shown."""


def section(id_: str, title: str, *content: object, live: bool = True) -> Html:
    """Return a section with its heading."""
    return element(
        "section",
        element("h2", title, id=f"{id_}-title"),
        *content,
        id=id_,
        aria_labelledby=f"{id_}-title",
        data_live=live,
    )


def tag(text: str, kind: str) -> Html:
    """Return a short word on a colour: good, bad or warn."""
    return element("span", text, class_=f"tag {kind}")


def moment(at: datetime, now: datetime) -> Html:
    """Return a time as people say it, and exactly where one points at it."""
    exact = documents.timestamp(at)
    return element("time", _apart(at - now), datetime=exact, title=exact)


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[int] = ()) -> Html:
    """Return a table; the columns whose places are in `numbers` hold numbers."""
    kinds = ["number" if index in numbers else None for index in range(len(heads))]
    head = element(
        "tr", *(element("th", one, scope="col", class_=kind) for one, kind in zip(heads, kinds, strict=True))
    )
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", one, class_=kind) for one, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    ]
    made = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", made, class_="wide", tabindex="0", role="region", aria_label=caption)


def health(seen: Overview) -> Html:
    """Return whether it serves, and by which configuration."""
    verdict = tag("Ready", "good") if seen.why_not is None else tag("Not ready", "bad")
    facts = [
        ("State", join(verdict, " ", seen.why_not)),
        ("Configuration", join(f"generation {seen.generation}, since ", moment(seen.reloaded, seen.now))),
        ("Store", seen.store),
        ("Revocations", f"{seen.revocations} in force" if seen.revocations else "none in force"),
        ("Version", seen.version),
    ]
    if seen.files:
        facts.append(("Files", join(*(element("code", one) for one in seen.files[:3]), _more(len(seen.files) - 3))))
    told = [join(element("dt", name), element("dd", value)) for name, value in facts]
    return section("health", "Health", element("dl", *told), *(_problem(one) for one in seen.problems[:5]))


def scopes(seen: Overview) -> Html:
    """Return what is out, by scope."""
    shown, caption = seen.scopes, "What is out, by scope"
    if len(shown) > ROWS:
        shown = tuple(sorted(shown, key=lambda one: -one.active)[:ROWS])
        caption += f": the {ROWS} of {len(seen.scopes)} scopes of which most is"
    rows = [_scope(one, seen.now) for one in shown]
    heads = ("Scope", "Out", "Next one ends", "Ended", "Holders gone", "What it is")
    told = table(caption, *_filled(heads, rows), numbers=(1, 3, 4)) if rows else _none("No scope is configured.")
    return section("scopes", "Scopes", told)


def _scope(one: ScopeSeen, now: datetime) -> tuple[object, ...]:
    ends = moment(one.next_expiry, now) if one.next_expiry else "-"
    return element("code", one.name), one.active, ends, one.expired, one.stale, one.description


def expiry(seen: Overview) -> Html:
    """Return when what is out ends."""
    return section("expiry", "When what is out ends", timeline(seen.timeline))


def targets(seen: Overview) -> Html:
    """Return how STS is doing."""
    rows = [_target(one) for one in seen.targets]
    heads = ("Target", "Regions", "Budget", "Own identity")
    told = table("STS, by target", heads, rows) if rows else _none("No target is configured.")
    return section("sts", "STS", told)


def _target(one: TargetSeen) -> tuple[object, ...]:
    regions = [
        join(tag(region.name, "bad" if region.left_alone else "good"), " left alone " if region.left_alone else " ")
        for region in one.regions
    ]
    return (
        one.name,
        regions,
        _budget(one),
        tag("known to AWS", "good") if one.healthy else tag("not known to AWS", "bad"),
    )


def _budget(one: TargetSeen) -> str:
    if one.available is None:
        return "no limit"
    if one.requests_per_second is None:  # STS has throttled, and has the say for a while
        return f"{one.available:.0f} requests free of what STS takes"
    return f"{one.available:.0f} of {one.requests_per_second:g} requests/s free"


def issuers(seen: Overview) -> Html:
    """Return whose tokens are taken, and how old their keys are."""
    rows = [_issuer(one) for one in seen.issuers[:ROWS]]
    return section("issuers", "Issuers", table("Keys, by issuer", *_filled(("Issuer", "Keys", "Kind", "URL"), rows)))


def _filled(
    heads: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> tuple[Sequence[str], Sequence[tuple[object, ...]]]:
    """Return a table without the columns at its end in which nothing stands."""
    width = max((index + 1 for row in rows for index, cell in enumerate(row) if cell != ""), default=len(heads))
    return heads[:width], [row[:width] for row in rows]


def _issuer(one: IssuerSeen) -> tuple[object, ...]:
    if one.keys_age is None:
        keys = tag("none yet", "bad")
    else:
        old = _apart(timedelta(seconds=-one.keys_age))
        keys = tag(old, "warn" if one.keys_age > OLD_KEYS else "good")
    return one.name, keys, one.kind, element("code", one.url) if one.url else ""


def recent(latest: Sequence[Seen], now: datetime) -> Html:
    """Return the latest exchanges and refusals, with who asked: for operators alone."""
    refused = [_refused(one, now) for one in latest if one.outcome != "issued"][:SHOWN]
    issued = [_issued(one, now) for one in latest if one.outcome == "issued"][:SHOWN]
    refusals = (
        table("The latest refusals", ("When", "Code", "Scope", "Who", "Why", "Request"), refused)
        if refused
        else _none("Nobody was refused lately.")
    )
    exchanges = (
        table("The latest credentials", ("When", "Scope", "Who", "Access key id", "From", "Request"), issued)
        if issued
        else _none("Nothing was issued lately.")
    )
    return join(section("refusals", "Refusals", refusals), section("exchanges", "Exchanges", exchanges))


def _refused(one: Seen, now: datetime) -> tuple[object, ...]:
    return moment(one.time, now), tag(one.code, "bad"), element("code", one.scope), _who(one), one.detail, _id(one)


def _issued(one: Seen, now: datetime) -> tuple[object, ...]:
    key = element("code", one.access_key_id)
    return moment(one.time, now), element("code", one.scope), _who(one), key, f"{one.source}, {one.door}", _id(one)


def _who(one: Seen) -> Html:
    return (
        join(one.subject, element("br"), element("span", one.issuer, class_="quiet")) if one.issuer else join("nobody")
    )


def _id(one: Seen) -> Html:
    return element("code", one.request_id)


def _problem(text: str) -> Html:
    return element("p", "The files on disk are not served: ", text, class_="notice warn")


def _more(count: int) -> str | None:
    return f" and {count} more" if count > 0 else None


def _none(text: str) -> Html:
    return element("p", text, class_="empty")


def _apart(span: timedelta) -> str:
    """Return how long ago or how soon, in the largest unit that still tells something."""
    seconds = span.total_seconds()
    size = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if size >= 2 * length:
            told = f"{size / length:.0f} {unit}"
            break
    else:
        told = f"{size:.0f} s"
    return f"in {told}" if seconds > 0 else f"{told} ago"
