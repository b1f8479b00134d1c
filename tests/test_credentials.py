"""Credentials: no way of printing, pickling or copying them shows a secret."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import traceback
from base64 import b64encode
from dataclasses import FrozenInstanceError, asdict

import pytest

from tests import made
from vendor.credentials import Secret

CANARY = "CANARY-secret"


def test_a_secret_is_shown_to_who_reveals_it() -> None:
    assert Secret(CANARY).reveal() == CANARY


def test_no_way_of_printing_shows_a_secret() -> None:
    secret = Secret(CANARY)
    printed = [repr(secret), str(secret), f"{secret}", f"{secret!r}", "%s" % secret, repr([secret]), repr({1: secret})]  # noqa: UP031
    assert all(text.count("***") == 1 and CANARY not in text for text in printed)


def test_credentials_show_no_secret() -> None:
    credentials = made.credentials()
    assert made.SECRET not in repr(credentials)
    assert made.TOKEN not in repr(credentials)
    assert repr(credentials).count("Secret(***)") == 2


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_secret_is_neither_pickled_copied_nor_written_as_json(way: object) -> None:
    assert callable(way)
    with pytest.raises(TypeError) as caught:
        way(Secret(CANARY))
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_credentials_cannot_be_pickled_or_taken_apart() -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(made.credentials())
    with pytest.raises(TypeError, match="never pickled"):
        asdict(made.credentials())


def test_a_secret_is_no_key_and_has_no_attributes() -> None:
    with pytest.raises(TypeError):
        hash(Secret(CANARY))
    assert not hasattr(Secret(CANARY), "__dict__")


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY


def test_credentials_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        made.credentials().region = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        b64encode(bytes(range(256)) * 3).decode(),
        b64encode(bytes(range(256)) * 3).decode().rstrip("="),
        b64encode(b"x" * 751).decode() + "\n",
        b64encode(b"x" * 751).decode()[:-3] + "B==",
        "header.payload.signature" * 20,
        "\u20ac" * 400,
        "a" * 201,
        "",
    ],
    ids=range(8),
)
def test_a_secret_is_the_text_that_it_was_to_the_byte_however_it_is_held(text: str) -> None:
    assert Secret(text).reveal() == text
    assert Secret(text) == Secret(text)
    assert Secret(text) != Secret(text + "x")


def test_a_session_token_is_held_as_the_bytes_that_it_stands_for() -> None:
    assert sys.getsizeof(Secret(b64encode(b"x" * 750).decode())._held) < 800
