"""What each table of kernels weighs in the wheel: `python -m benchmarks.wheel [MODULE]`.

Reads the symbols of a `_core` that was linked and not stripped: MODULE, or the newest one that a
release build left below build/, as `pip install .` does. It needs Linux and the `nm` and `strip` of
GNU binutils. A kernel belongs to the table whose file (`csrc/kernels/avx2.cpp`) defines it, and to
the first of float and double in its name; random numbers, for one, belong to neither.

A kilobyte is 1000 bytes. "compressed" is what a part takes when it is compressed alone, as a wheel
compresses file by file; parts of one file add up to a little more than the file. The kernels' few
constants and unwinding tables count as the rest of `_core`. tests/house/test_build.py bounds the
wheel.
"""

from __future__ import annotations

import argparse
import re
import struct
import subprocess
import tempfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.common import print_table

_CHECKOUT = Path(__file__).resolve().parents[1]
TABLES = ("portable", "avx2", "avx512", "neon")
TYPES = ("float", "double", "neither")
_PACKAGED = {".py", ".pyi", ".pxd", ".typed"}
_LOADED = 1  # PT_LOAD


@dataclass(frozen=True)
class Weight:
    """Bytes of something as it is, and compressed."""

    size: int
    compressed: int

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.size + other.size, self.compressed + other.compressed)

    def __sub__(self, other: Weight) -> Weight:
        return Weight(self.size - other.size, self.compressed - other.compressed)


def newest_core() -> Path:
    """The `_core` linked last in a release build of this checkout.

    Raises
    ------
    SystemExit
        If there is none.
    """
    built = [
        path
        for path in _CHECKOUT.glob("build/*/_core*.so")
        if "CMAKE_BUILD_TYPE:STRING=Release" in (path.parent / "CMakeCache.txt").read_text()
    ]
    if not built:
        raise SystemExit("there is no release build below build/: run `pip install .` first")
    return max(built, key=lambda path: path.stat().st_mtime)


def kernels(core: Path) -> dict[tuple[str, str], bytes]:
    """The code of all kernels of a table and a type, (table, type) being the key."""
    content = core.read_bytes()
    places = _loaded_segments(content)
    parts: dict[tuple[str, str], bytes] = defaultdict(bytes)
    table = ""
    # In the order of the symbol table, where the name of a source file comes before its functions.
    nm = ["nm", "--debug-syms", "--demangle", "--no-sort", "--print-size", str(core)]
    for line in subprocess.run(nm, capture_output=True, text=True, check=True).stdout.splitlines():
        if file := re.match(r"[0-9a-f]+ a (.*)", line):
            table = file[1].removesuffix(".cpp")
        elif table in TABLES and (symbol := re.match(r"([0-9a-f]+) ([0-9a-f]+) [tr] (.*)", line)):
            address, size = (int(number, 16) for number in symbol.groups()[:2])
            named = re.search("float|double", symbol[3])
            offset = next(o for o, first, last in places if first <= address < last) + address
            parts[table, named[0] if named else "neither"] += content[offset : offset + size]
    return dict(parts)


def _loaded_segments(content: bytes) -> list[tuple[int, int, int]]:
    """(offset, first, last): the file has an address from first up to last at offset + address."""
    if content[:6] != b"\x7fELF\x02\x01":
        raise SystemExit("the module must be a 64-bit ELF file, least significant byte first")
    (table,) = struct.unpack_from("<Q", content, 32)
    size, n = struct.unpack_from("<HH", content, 54)
    found = []
    for i in range(n):
        kind, _, offset, address, _, length = struct.unpack_from(
            "<IIQQQQ", content, table + i * size
        )
        if kind == _LOADED:
            found.append((offset - address, address, address + length))
    return found


def stripped(module: Path) -> bytes:
    """The module as the wheel has it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / module.name
        subprocess.run(["strip", "-o", str(copy), str(module)], check=True)
        return copy.read_bytes()


def weigh(*contents: bytes) -> Weight:
    """The weight of files, or of parts of them."""
    return Weight(sum(map(len, contents)), sum(len(zlib.compress(each)) for each in contents))


def weigh_wheel(core: Path) -> dict[str, Weight]:
    """The weight of each part of the wheel that `core` goes into, and of what they add up to."""
    weights, all_kernels = {}, Weight(0, 0)
    parts = kernels(core)
    for table in TABLES:
        own = {kind: weigh(parts[table, kind]) for kind in TYPES if (table, kind) in parts}
        if own:  # the others are not of this processor
            weights[table] = sum(own.values(), Weight(0, 0))
            weights |= {f"{table}, {kind}": weight for kind, weight in own.items()}
            all_kernels += weights[table]
    weights["rest of _core"] = weigh(stripped(core)) - all_kernels
    weights["_core"] = weights["rest of _core"] + all_kernels
    files = [path for path in (_CHECKOUT / "python").rglob("*") if path.suffix in _PACKAGED]
    modules = core.parent.glob("serving*.so")
    weights["other files"] = weigh(*map(Path.read_bytes, files), *map(stripped, modules))
    weights["wheel, without metadata"] = weights["_core"] + weights["other files"]
    return weights


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.wheel",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("module", nargs="?", type=Path, metavar="MODULE")
    core = parser.parse_args().module or newest_core()
    print(core)
    rows = [
        [name, f"{weight.size / 1e3:.1f}", f"{weight.compressed / 1e3:.1f}"]
        for name, weight in weigh_wheel(core).items()
    ]
    print_table(["", "KB", "KB compressed"], rows)


if __name__ == "__main__":
    main()
