"""`python -m vendor.cli` is `vendor`."""

from __future__ import annotations

import sys

from vendor.cli import main

sys.exit(main())
