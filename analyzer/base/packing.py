"""Values as bytes for another process of this program: pickle, which also knows what pickle does not."""

from __future__ import annotations

import copyreg
import io
import pickle
from typing import Any


def pack(value: object) -> bytes:
    """``value`` for ``unpack``; a view becomes a view of a copy."""
    sink = io.BytesIO()
    pickler = pickle.Pickler(sink, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = copyreg.dispatch_table | {memoryview: _reduce_view}
    pickler.dump(value)
    return sink.getvalue()


def unpack(packed: bytes) -> Any:
    """What was packed by a process that is trusted: pickle can do anything (Python, pickle, Warning)."""
    return pickle.loads(packed)


def _reduce_view(view: memoryview) -> tuple[type[memoryview], tuple[bytes]]:
    return memoryview, (bytes(view),)
