"""`python -m aecore`: the same as the command `aecore`."""

from __future__ import annotations

import sys

from aecore.cli import main

sys.exit(main())
