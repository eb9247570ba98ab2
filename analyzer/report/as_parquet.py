"""One row per call, typed, for what comes after: Apache Parquet, written by pyarrow (the extra ``parquet``).

The columns are those of ``-o csv``, by the same names. Text is made visible as everywhere, but no cell gets a sign in
front: no reader of Parquet takes text for a formula. docs/parquet.md lists the types.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from analyzer.base.batches import batches
from analyzer.base.errors import UsageError
from analyzer.base.escape import visible
from analyzer.report.as_csv import COLUMNS
from analyzer.report.private import redact_analysis
from analyzer.verdict.record import Analysis, CallRecord

if TYPE_CHECKING:
    import pyarrow

# So many calls at a time become columns, which are smaller, ...
_BATCH_ROWS = 4_096
# ... and so many batches are a row group, which readers take as one.
_GROUP_BATCHES = 16
# Of the columns; a change of a name or a type is another version.
VERSION = "1"

_INTEGERS = frozenset(
    {"client_port", "server_port", "request", "status", "grpc_status"}
    | {f"{side}_code" for side in ("outbound", "gateway", "inbound")}
)
_BOOLEANS = frozenset({"inbound_mtls", "agrees"})


def _packets(call: CallRecord) -> list[dict[str, object]]:
    return [{"capture": visible(name), "first": first, "last": last} for name, first, last in call.packets]


def _yaml(call: CallRecord) -> list[str]:
    return list(dict.fromkeys(visible(place.file_line) for step in call.steps for place in step.yaml))


# The columns that a cell of CSV only has as text.
NESTED: dict[str, Callable[[CallRecord], object]] = {
    "time": lambda call: call.first_ns,
    "undetermined": lambda call: list(call.decision.undetermined),
    "alpn": lambda call: [visible(name) for name in call.alpn],
    "packets": _packets,
    "yaml": _yaml,
}


class _Pieces(io.RawIOBase):
    """A file that only grows and is taken away piece by piece; it goes on counting, since the footer tells places."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._len = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any, /) -> int:
        """Take the bytes of ``piece``, which is its owner's again afterwards."""
        self._pieces.append(bytes(piece))
        self._len += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        return self._len

    def taken(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def require_pyarrow() -> None:
    """Nothing, where Parquet can be written; raises ``UsageError`` that says what to install."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise UsageError("-o parquet: pyarrow is not installed; expected pip install 'meshverdict[parquet]'") from None


def render_parquet(analysis: Analysis, *, redact: bool = True) -> Iterator[bytes]:
    """The file: equal runs give equal bytes with the same release of pyarrow. Raises ``UsageError`` without pyarrow."""
    return parquet_of(redact_analysis(analysis).calls if redact else analysis.calls)


def parquet_of(calls: Iterable[CallRecord]) -> Iterator[bytes]:
    """As ``render_parquet``, of calls that are shown as they are."""
    require_pyarrow()
    import pyarrow as pa
    from pyarrow import parquet

    sink = _Pieces()
    schema = schema_of_calls()
    with parquet.ParquetWriter(sink, schema, compression="zstd", version="2.6") as writer:
        for group in batches((_table(batch, schema) for batch in batches(calls, _BATCH_ROWS)), _GROUP_BATCHES):
            writer.write_table(pa.concat_tables(group).combine_chunks())
            yield sink.taken()
    yield sink.taken()


def schema_of_calls() -> pyarrow.Schema:
    """The names and types of the columns, in order."""
    import pyarrow as pa

    nested = {
        "time": pa.timestamp("ns", tz="UTC"),
        "undetermined": pa.list_(pa.string()),
        "alpn": pa.list_(pa.string()),
        "packets": pa.list_(pa.struct({"capture": pa.string(), "first": pa.int64(), "last": pa.int64()})),
        "yaml": pa.list_(pa.string()),
    }
    plain = {**dict.fromkeys(_INTEGERS, pa.int64()), **dict.fromkeys(_BOOLEANS, pa.bool_())}
    fields = [(name, nested.get(name) or plain.get(name) or pa.string()) for name, _ in COLUMNS]
    return pa.schema(fields, metadata={"meshverdict.calls": VERSION})


def _table(calls: Sequence[CallRecord], schema: pyarrow.Schema) -> pyarrow.Table:
    import pyarrow as pa

    columns: list[list[Any]] = [_column(name, read, calls) for name, read in COLUMNS]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _column(name: str, read: Callable[[CallRecord], object], calls: Sequence[CallRecord]) -> list[Any]:
    nested = NESTED.get(name)
    if nested is not None:
        return [nested(call) for call in calls]
    return [visible(value) if isinstance(value, str) else value for value in map(read, calls)]
