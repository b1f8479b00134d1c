"""`python -m vendor.client` is `vend`."""

from __future__ import annotations

import sys

from vendor.client.command import main

sys.exit(main())
