"""Measurements: not part of the package, run from a checkout as `python -m benchmarks...`."""

from __future__ import annotations
