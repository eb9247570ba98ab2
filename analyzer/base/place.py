"""Places: what a fact stands on, in the words in which a person would look it up."""

from __future__ import annotations

from analyzer.base.fact import Fact


class PacketPlace(Fact, frozen=True, order=True):
    """A packet of a capture: ``packet`` is 1-based, as Wireshark numbers it; ``offset`` is the file byte, or None."""

    capture: str
    packet: int
    offset: int | None = None

    def __str__(self) -> str:
        return f"{self.capture}: packet {self.packet}"


class StreamPlace(Fact, frozen=True, order=True):
    """A byte of one direction of a connection: ``offset`` counts from the first payload byte, 0-based."""

    from_client: bool
    offset: int

    def __str__(self) -> str:
        return f"{'client' if self.from_client else 'server'} stream, byte {self.offset}"


class YamlPlace(Fact, frozen=True, order=True):
    """A line of the mesh input: ``line`` and ``column`` are 1-based, ``field`` is the path inside the resource."""

    file: str
    line: int
    column: int = 1
    field: str = ""

    @property
    def file_line(self) -> str:
        """``file:line``, the form that editors and the machine-readable output use; an option of ours has no lines."""
        return self.file if self.file.startswith("--") else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        at = self.file if self.file.startswith("--") else f"{self.file}:{self.line}:{self.column}"
        return f"{at} ({self.field})" if self.field else at
