"""How good the results are, beside published ones."""

from __future__ import annotations
