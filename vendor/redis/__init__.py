"""Redis or Valkey: the store that replicas share. It moves sealed bytes, and knows nothing of what they say."""

from __future__ import annotations
