"""A capture that can be read once only, as standard input can."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.base.errors import CaptureError
from analyzer.capture.capture import Capture


class ReadOnce:
    """Reads a capture when it is asked for first; later it gives, or raises, the same."""

    def __init__(self, read: Callable[[], Capture]) -> None:
        self._read = read
        self._known: Capture | CaptureError | None = None

    def __call__(self) -> Capture:
        """The capture; raises as ``CaptureSource.read``."""
        if self._known is None:
            try:
                self._known = self._read()
            except CaptureError as error:
                self._known = error
        if isinstance(self._known, CaptureError):
            raise self._known
        return self._known
