"""Meanings of codes about the store that replicas share."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

STORES: Final = {
    Code.STORE_URL: Meaning(
        "no URL or address of a Redis or Valkey",
        why="Nothing can be stored there, so every replica would be alone without anybody noticing.",
        mend="Write `rediss://user@host:6379`; a password with other characters than letters and digits goes into "
        "`password`.",
    ),
    Code.STORE_OPTION: Meaning(
        "an option of the store that does not go with the others",
        why="It would be passed over, and with it what its author counts on.",
        mend="Leave it out, or say what it belongs to.",
    ),
    Code.STORE_KEY: Meaning(
        "a key that can seal nothing",
        why="What is stored is credentials: whoever reads the store would have them.",
        mend="Make one with `openssl rand -base64 32`, and give it an id that no other key has.",
    ),
    Code.STORE_PLAIN: Meaning(
        "a store that is spoken to in plain text",
        why="What is stored is sealed, but the password and the times at which leases are asked for can be read.",
        mend="Write `rediss://`.",
    ),
}
