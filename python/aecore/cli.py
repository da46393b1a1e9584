"""The command `aecore`: arguments in, exit code out. What it does is in `aecore.demo`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aecore._parameters import MAX_SEED
from aecore._version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 if all went well, 2 for input or files that cannot be used, 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    from aecore import demo

    try:
        demo.run(data=options.data, output=options.output, seed=options.seed)
    except demo.DemoError as error:
        print(f"aecore demo: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\naecore demo: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aecore", description="Autoencoders on CPUs.")
    parser.add_argument("--version", action="version", version=f"aecore {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="train a sparse autoencoder and look at what it learned",
        description="Learn the 4-2-4 identity code, then edge detectors from natural images. "
        "With --data, learn features of your own rows instead.",
    )
    demo.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="rows to learn from: .npy, .npz (one 2-D array, or one named X) or .csv",
    )
    demo.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=Path("aecore-demo"),
        help="folder for the pictures (default: aecore-demo)",
    )
    demo.add_argument(
        "--seed", type=_seed, metavar="N", default=0, help="seed of all random numbers (default: 0)"
    )
    return parser


def _seed(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value <= MAX_SEED:
        msg = f"seed must be an integer from 0 to 2**63 - 1; got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return value
