"""Is it made already: a RoleSession becomes Credentials that are held, shared and never handed out past their end."""

from __future__ import annotations
