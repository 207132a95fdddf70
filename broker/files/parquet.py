"""Parquet, for who has installed the extra: tables in, and at the end tables out. In between rows travel as Arrow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import starmap
from pathlib import Path
from types import ModuleType
from typing import Any

from broker.errors import BadConfiguration, CommandRefused
from broker.files.lines import Chunk
from broker.files.rows import COLUMNS
from broker.files.told import ANSWERED

_MISSING = "Parquet is read by pyarrow, which is not installed here: pip install 'consent-broker[parquet]'"


def _arrow(*names: str) -> tuple[ModuleType, ...]:
    """Parts of pyarrow, or :class:`BadConfiguration` naming the extra."""
    from importlib import import_module  # noqa: PLC0415 - an extra: who has it not reads CSV and NDJSON all the same

    try:
        return tuple(import_module(name) for name in names)
    except ImportError:
        raise BadConfiguration(_MISSING) from None


def columns_of(path: Path) -> tuple[str, ...]:
    """The names of a file's columns."""
    return tuple(_opened(path).schema_arrow.names)


def rows_in(path: Path) -> int:
    """How many rows a file has."""
    return int(_opened(path).metadata.num_rows)


def cut_table(path: Path, size: int, *, at: int) -> Iterator[Chunk]:
    """Cut a table, read up to its row *at*, into chunks of *size* rows."""
    (arrow,) = _arrow("pyarrow")
    file = _opened(path)
    names = [name for name in file.schema_arrow.names if name in COLUMNS]
    skipped = 0
    for batch in file.iter_batches(size, columns=names):
        begin = skipped
        skipped += batch.num_rows
        if skipped > at:
            rest = batch.slice(max(0, at - begin))
            yield Chunk(max(begin, at) + 1, _packed(arrow, rest), skipped)


def columns_in(raw: bytes) -> Sequence[Sequence[str]]:
    """The columns of a chunk, as text; what is null is empty."""
    (ipc,) = _arrow("pyarrow.ipc")
    table = ipc.open_stream(raw).read_all()
    try:
        return [["" if cell is None else cell for cell in column.to_pylist()] for column in table.columns]
    except UnicodeDecodeError:
        raise CommandRefused("a column of text holds what is no UTF-8") from None


def write_table(answers: Path, path: Path) -> None:
    """Write lines of CSV, the first of which names the columns, as a Parquet file in the place of *path*."""
    arrow, reading, parquet = _arrow("pyarrow", "pyarrow.csv", "pyarrow.parquet")
    schema = arrow.schema([(name, arrow.string()) for name in ANSWERED])
    convert = reading.ConvertOptions(column_types=schema, strings_can_be_null=True, null_values=[""])
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in reading.open_csv(answers, convert_options=convert):
                writer.write_batch(batch)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _opened(path: Path) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    arrow, parquet = _arrow("pyarrow", "pyarrow.parquet")
    try:
        return parquet.ParquetFile(path)
    except arrow.ArrowInvalid:
        raise CommandRefused(f"{path} is no Parquet file, or not a whole one") from None


def _packed(arrow: Any, batch: Any) -> bytes:  # noqa: ANN401 - pyarrow publishes no types
    """A batch as bytes, its columns as text: an account's id may be kept as a number."""
    columns = list(starmap(_as_text, ((arrow, name, batch.column(name)) for name in batch.schema.names)))
    table = arrow.RecordBatch.from_arrays(columns, names=batch.schema.names)
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_batch(table)
    return bytes(sink.getvalue())


def _as_text(arrow: Any, name: str, column: Any) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    kind = column.type
    types = arrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind) or types.is_null(kind):
        return column.cast(arrow.string())
    raise CommandRefused(f"the column {name!r} holds {kind}; text is read, and whole numbers")
