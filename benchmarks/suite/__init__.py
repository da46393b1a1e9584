"""What asv runs: all workloads in aecore and in the NumPy baseline, on one thread.

asv imports this folder as a package of its own, hence the path below; its modules compute nothing
when they are imported. `docs/benchmarks-asv.md` says how to run and read it.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
