"""Parquet and Arrow's own files, read in blocks; what is no number is named by its column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._checks.frames import COUNT, ENCODE
from aecore._tables.table import EXACT, TableError, check_names, place_of, refuse_rounded

_ROWS = 1 << 16  # that are decoded at a time


class ColumnarRows:
    """Rows of numbers in a Parquet or Arrow file, all of one dtype.

    float32 where all columns are float32 or float16, else float64. A column that pandas has stored
    as the index of its rows is none of them.
    """

    def __init__(self, path: Path, kind: str, without: Sequence[str] = ()) -> None:
        self._path, self._kind = path, kind
        with _opened(path, kind) as file:
            schema, self.n_rows = file.schema, file.n_rows
        index = _index_columns(schema)
        names = [name for name in schema.names if name not in {*index, *without}]
        self.names: list[str] = names
        check_names(path, schema.names)
        for name in names:
            _check_type(path, name, schema.field(name).type)
        self._dtype = _dtype([schema.field(name).type for name in names])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        with _opened(self._path, self._kind) as file:
            for batch in file.batches(self.names):
                rows = np.empty((batch.num_rows, len(self.names)), self._dtype)
                for place, name in enumerate(self.names):
                    column = batch.column(name)
                    _refuse_rounded(self._path, name, column)
                    rows[:, place] = _numbers(column)
                yield rows


def read_columns(path: Path, kind: str, columns: Sequence[int | str]) -> list[NDArray[Any]]:
    """Read columns, by place or name, as they are."""
    import pyarrow as pa

    with _opened(path, kind) as file:
        index = _index_columns(file.schema)
        names = [name for name in file.schema.names if name not in index]
        chosen = [names[place_of(path, names, len(names), column)] for column in columns]
        table = pa.Table.from_batches(file.batches(chosen))
    return [_decoded(table.column(name)).to_numpy() for name in chosen]


class _File:
    """A file of either kind."""

    def __init__(self, schema: Any, n_rows: int | None, batches: Any, close: Any) -> None:
        self.schema, self.n_rows, self.batches, self._close = schema, n_rows, batches, close

    def __enter__(self) -> _File:  # noqa: PYI034 Self is of Python 3.11
        return self

    def __exit__(self, *error: object) -> None:
        self._close()


def _opened(path: Path, kind: str) -> _File:
    if kind == ".parquet":
        from pyarrow import parquet

        file = parquet.ParquetFile(path)
        batches = lambda names: file.iter_batches(_ROWS, columns=names)  # noqa: E731
        return _File(file.schema_arrow, file.metadata.num_rows, batches, file.close)
    import pyarrow as pa

    source = pa.memory_map(str(path))
    try:
        reader = pa.ipc.open_file(source)
        all_batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
    except pa.ArrowInvalid:  # the form for pipes, without an index at its end
        source.seek(0)
        try:
            reader = pa.ipc.open_stream(source)
        except pa.ArrowInvalid:
            return _first_feather(path)
        all_batches = iter(reader)
    return _File(
        reader.schema, None, lambda names: (b.select(names) for b in all_batches), source.close
    )


def _first_feather(path: Path) -> _File:
    """The first version of Feather, which was not Arrow's format yet."""
    from pyarrow import feather

    table = feather.read_table(path)
    return _File(
        table.schema, table.num_rows, lambda names: table.select(names).to_batches(), lambda: None
    )


def _index_columns(schema: Any) -> set[str]:
    """Names of the columns that pandas has stored as an index."""
    stored = (schema.metadata or {}).get(b"pandas")
    columns = json.loads(stored).get("index_columns", []) if stored else []
    # The prefix is that of an index without a name, also where the note of pandas is lost.
    unnamed = {name for name in schema.names if name.startswith("__index_level_")}
    return unnamed | {column for column in columns if isinstance(column, str)}


def _check_type(path: Path, name: str, kind: Any) -> None:
    from pyarrow import types

    if types.is_dictionary(kind):
        advice: str | None = ENCODE
    elif types.is_temporal(kind):
        advice = COUNT
    elif types.is_null(kind) or types.is_boolean(kind) or _is_numeric(kind):
        advice = None
    else:
        is_words = types.is_string(kind) or types.is_large_string(kind) or "string" in str(kind)
        advice = ENCODE if is_words else "take numbers out of it, in columns of their own"
    if advice is not None:
        msg = f"{path} must hold numbers; got {kind} in column {name!r}: {advice}"
        raise TableError(msg)


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _dtype(kinds: Sequence[Any]) -> type[Any]:
    from pyarrow import types

    single = all(types.is_float32(kind) or types.is_float16(kind) for kind in kinds)
    return np.float32 if single else np.float64


def _numbers(column: Any) -> NDArray[Any]:
    """A column as an array in which what is missing is NaN."""
    import pyarrow as pa

    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    if pa.types.is_decimal(column.type):
        # By way of its digits, which are rounded once.
        column = column.cast(pa.string())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _refuse_rounded(path: Path, name: str, column: Any) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_integer(column.type):
        return
    ends = pc.min_max(column).as_py()
    if ends["min"] is not None and not -EXACT <= ends["min"] <= ends["max"] <= EXACT:
        for value in column.to_pylist():
            if value is not None:
                refuse_rounded(path, value, f"column {name!r}")


def _decoded(column: Any) -> Any:
    from pyarrow import types

    return column.cast(column.type.value_type) if types.is_dictionary(column.type) else column
