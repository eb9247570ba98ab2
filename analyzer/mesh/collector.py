"""Python's cycle collector, out of the way while a mesh is read.

Reading makes millions of maps and texts that all stay and none of which is in a cycle; looking for garbage among them
again and again takes nearly half of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Nothing is collected inside the block; behind it the collector is as it was, also after an exception."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
