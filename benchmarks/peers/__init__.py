"""aecore beside what else a Python user can install: `python -m benchmarks.peers`."""

from __future__ import annotations
