"""The command `aecore`: arguments in, exit code out.

Nothing is imported here before `main` is called, so that Ctrl-C ends the imports as it ends all
else: with one line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 if all went well, 2 for arguments, input or files that cannot be used, 130 after Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from aecore.cli._main import run

        code = run(given)
    except KeyboardInterrupt:
        print("aecore: interrupted", file=sys.stderr)
        code = 130
    if code == 130 and arguments is None:
        # All is written and cleaned up. Where the interrupt has come through `exec`, Python would
        # end itself by the signal, whatever is returned.
        os._exit(code)
    return code
