"""What may they have: Principal, scope and parameters become a RoleSession, or a refusal.

Pure: no clock, no network, no files.
"""

from __future__ import annotations
