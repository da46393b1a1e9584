"""What goes wrong in a demonstration for a reason that the user can change."""

from __future__ import annotations


class DemoError(Exception):
    """Shown as one sentence, without a traceback."""
