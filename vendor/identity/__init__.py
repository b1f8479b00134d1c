"""Who is asking: a JWT becomes a Principal, or a refusal."""

from __future__ import annotations
