"""How far a run is, told to whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from analyzer.base.fact import Fact, replace

T = TypeVar("T")

# Called with what is being worked on, how far the run is (0.0 to 1.0), and how many bytes of captures it has to read.
Progress = Callable[[str, float, int], None]

# How often somebody asked for the end of a run.
Stop = Callable[[], int]

# However many items there are, so often is the one who waits told of them.
_TIMES = 128


class Watch(Fact, frozen=True):
    """Tells ``progress``, if anybody waits, how far a run over ``size`` bytes is.

    A watch may be of a part of the run, which goes from ``start`` to ``end``. ``stop`` says how often whoever waits has
    asked to end it; up to ``heeded`` times that was done already.
    """

    progress: Progress | None = None
    size: int = 0
    start: float = 0.0
    end: float = 1.0
    stop: Stop | None = None
    heeded: int = 0

    @property
    def is_stopped(self) -> bool:
        """Whether no more work shall be begun."""
        return self.stop is not None and self.stop() > self.heeded

    def heed(self) -> Watch:
        """The watch of what is done all the same where the end was asked for, until that is asked for once more."""
        return replace(self, heeded=self.heeded + 1) if self.is_stopped else self

    def silent(self) -> Watch:
        """The watch of another process that works on the same: it ends with this one, and tells nothing."""
        return replace(self, progress=None)

    def part(self, start: float, end: float) -> Watch:
        """The watch of a part of this one's part."""
        width = self.end - self.start
        return replace(self, start=self.start + start * width, end=self.start + end * width)

    def tell(self, what: str, done: float = 0.0) -> None:
        """``what`` is being worked on, and ``done`` of this watch's part."""
        if self.progress is not None:
            self.progress(what, self.start + done * (self.end - self.start), self.size)

    def over(self, what: str, items: Sequence[T], *, may_end: bool = False) -> Iterator[T]:
        """``items``, telling how many of them have been taken; not all of them where it ``may_end`` early."""
        every = max(1, len(items) // _TIMES)
        for number, item in enumerate(items):
            if number % every == 0:
                if may_end and self.is_stopped:
                    return
                self.tell(what, number / len(items))
            yield item


UNWATCHED = Watch()
