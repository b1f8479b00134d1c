"""How is it made: a RoleSession becomes Credentials, through STS."""

from __future__ import annotations
