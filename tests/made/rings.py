"""What ``tcpdump -C -W`` leaves of a capture: the same records in several files."""

from __future__ import annotations

from pathlib import Path


def parts_of(data: bytes, count: int) -> list[bytes]:
    """A pcap file cut between records into files of about the same length."""
    parts, at, begin = [], 24, 24
    while at < len(data):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        if at - begin > len(data) / count or at >= len(data):
            parts.append(data[:24] + data[begin:at])
            begin = at
    return parts


def write_ring(path: Path, data: bytes, count: int) -> list[Path]:
    """The files of a ring that was begun anew: the oldest ones have the highest numbers."""
    parts = parts_of(data, count)
    paths = [path.with_name(f"{path.name}{(number + count // 2) % len(parts)}") for number in range(len(parts))]
    for each, part in zip(paths, parts, strict=True):
        each.write_bytes(part)
    return sorted(paths)
