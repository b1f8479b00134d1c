"""SPIFFE: the parts of a SPIFFE ID, each ID in one spelling only."""

from __future__ import annotations

import pytest

from tests.fakes import claims
from tests.identity.kinds.reading import read, refused
from vendor.identity import attributes
from vendor.identity.issuer import Kind
from vendor.identity.kinds.spiffe import LONGEST, is_trust_domain

FITTING = "spiffe://example.org/" + "a" * (LONGEST - len("spiffe://example.org/"))


@pytest.mark.parametrize(
    ("subject", "trust_domain", "path"),
    [
        ("spiffe://example.org/ns/payments/sa/api", "example.org", "/ns/payments/sa/api"),
        ("spiffe://td_1-a.example/x", "td_1-a.example", "/x"),
        ("spiffe://example.org/Api_1.-", "example.org", "/Api_1.-"),
        ("spiffe://example.org/...", "example.org", "/..."),
        ("spiffe://example.org/.a/..b", "example.org", "/.a/..b"),
        (f"spiffe://{'a' * 255}/x", "a" * 255, "/x"),
        (FITTING, "example.org", FITTING.removeprefix("spiffe://example.org")),
    ],
)
def test_an_id_yields_its_trust_domain_and_its_path(subject: str, trust_domain: str, path: str) -> None:
    found = read(Kind.SPIFFE, claims.spiffe(sub=subject))
    assert found == {"trust_domain": trust_domain, "path": path}
    assert tuple(found) == attributes.RULES[Kind.SPIFFE].names


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://",
            "spiffe:///x",
            "example.org/x",
            "//example.org/x",
        ),
        *("SPIFFE://example.org/x", "spiffes://example.org/x", " spiffe://example.org/x", "spiffe://example.org/x\n"),
        *("spiffe://Example.org/x", "spiffe://ex\u00e4mple.org/x", "spiffe://[::1]/x", "spiffe://exa%6dple.org/x"),
        *("spiffe://user@example.org/x", "spiffe://example.org:8080/x", "spiffe://example.org:/x"),
        *("spiffe://example.org/x?y", "spiffe://example.org/x#y", "spiffe://example.org/x?", "spiffe://example.org?x"),
        *("spiffe://example.org//x", "spiffe://example.org/x//y", "spiffe://example.org/x/", "spiffe://example.org/."),
        *(
            "spiffe://example.org/./x",
            "spiffe://example.org/../x",
            "spiffe://example.org/x/..",
            "spiffe://example.org/..",
        ),
        *("spiffe://example.org/%2e%2e/x", "spiffe://example.org/x y", "spiffe://example.org/x:y", "spiffe://a/\uff0e"),
        *(f"spiffe://{'a' * 256}/x", FITTING + "a", "spiffe://example.org/\u0430pi"),
    ],
)
def test_t16_a_subject_that_is_not_the_one_spelling_of_a_workloads_id_is_refused(subject: str) -> None:
    assert refused(Kind.SPIFFE, claims.spiffe(sub=subject)) == "sub is not the SPIFFE ID of a workload"


def test_an_issuer_speaks_for_its_own_trust_domain_alone() -> None:
    token = claims.spiffe()
    assert read(Kind.SPIFFE, token, trust_domain="example.org")["trust_domain"] == "example.org"
    for other in ("example.com", "example.or", "org", "spiffe://example.org"):
        assert refused(Kind.SPIFFE, token, trust_domain=other) == (
            "trust_domain is example.org, which this issuer does not speak for"
        )


def test_a_jwt_svid_may_lack_iat_and_is_typed_jwt_or_jose_or_nothing() -> None:
    rules = attributes.RULES[Kind.SPIFFE]
    assert not rules.issued_at_required
    assert rules.types == {"", "jwt", "jose"}
    assert "EdDSA" not in rules.algorithms
    assert {name[:2] for name in rules.algorithms} == {"RS", "PS", "ES"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        *((name, True) for name in ("example.org", "td_1-a.example", "a" * 255)),
        *((name, False) for name in ("", "Example.org", "example.org/", "spiffe://example.org", "a" * 256, "a\n")),
    ],
)
def test_a_trust_domain_is_named_as_in_an_id(text: str, is_one: bool) -> None:  # noqa: FBT001 - a table
    assert is_trust_domain(text) is is_one
