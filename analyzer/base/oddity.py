"""Oddities: strange input as data. A ``Code`` lives beside the code that emits it; a test collects them all."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from analyzer.base.fact import Fact, field
from analyzer.base.place import PacketPlace, StreamPlace, YamlPlace

Place = PacketPlace | StreamPlace | YamlPlace


class Level(Enum):
    """How much an oddity matters to someone who reads the report."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Family(Enum):
    """What a code is about; ``meshverdict codes`` groups by it."""

    CAPTURE = "capture"
    FLOW = "flow"
    PROTOCOL = "protocol"
    MESH = "mesh"
    REASON = "reason"
    UNDETERMINED = "undetermined"
    FINDING = "finding"
    LIMIT = "limit"


class Code(Fact, frozen=True):
    """One thing that can be said, with its explanation.

    ``name`` is kebab-case and never changes meaning; ``summary`` is one line and may contain ``{named}`` values;
    ``explanation`` says what it means, ``advice`` what a person can do about it.
    """

    name: str
    family: Family
    level: Level
    summary: str
    explanation: str
    advice: str = ""


class Oddity(Fact, frozen=True):
    """A code that was met at a place, with the values that fill its summary."""

    code: Code
    place: Place | None = None
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The code's summary with its values; not escaped, the outputs do that."""
        return self.code.summary.format_map(self.values)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message
