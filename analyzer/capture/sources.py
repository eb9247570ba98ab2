"""What the user named, as captures to open: files, folders, globs, standard input."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from analyzer.base.errors import CaptureError
from analyzer.base.fact import Fact, replace
from analyzer.base.spelling import path_hint
from analyzer.capture.capture import Capture
from analyzer.capture.reader import READERS, Opened
from analyzer.capture.rings import join_rings, open_ring, read_ring

Leg = Literal["any", "eth0", "lo"]

LEGS: Mapping[str, Leg] = MappingProxyType({"any": "any", "eth0": "eth0", "lo": "lo"})

STANDARD_INPUT = "-"

# `.pcap3` and `.pcap.3` are what tcpdump -C and logrotate write.
_SUFFIX = re.compile(r"\.(?:pcap|pcapng|ntar|cap|dmp)\d*(?:\.\d+)?(?:\.(?:gz|zst|xz|bz2))?$", re.IGNORECASE)
_LEG = re.compile(rf"[._-]({'|'.join(LEGS)})$")
# What Kubernetes allows as the name of a namespace or pod (RFC 1123 subdomain).
_KUBERNETES_NAME = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_POD = re.compile(rf"(?:({_KUBERNETES_NAME})_)?({_KUBERNETES_NAME})")


class CaptureSource(Fact, frozen=True):
    """A capture to open.

    ``name`` is short, unique among the sources, and printable: the file's name, with as many of its folders as it
    takes. ``path`` is None for standard input; of a ``ring``, whose files are one capture, it is the oldest one's. The
    hints are read off the name (``NAMESPACE_POD.LEG.pcap``, ``POD.pcap``) and may be wrong: ``pod_hint`` is
    (namespace or None, pod), ``leg_hint`` the interface.
    """

    name: str
    path: Path | None
    pod_hint: tuple[str | None, str] | None = None
    leg_hint: Leg | None = None
    ring: tuple[Path | None, ...] = ()

    @property
    def size(self) -> int:
        """How many bytes the files have; 1 where nobody can say."""
        try:
            return max(sum(path.stat().st_size for path in self.ring or (self.path,) if path), 1)
        except OSError:
            return 1

    def read(self) -> Capture:
        """The capture; raises as ``read_capture``."""
        return read_ring(self.ring or (self.path,), name=self.name)

    def open(self) -> Opened | None:
        """The bytes of its files as they are, so that reading may begin; None where there is more to do."""
        return open_ring(self.ring or (self.path,), name=self.name)


def find_captures(arguments: Sequence[str]) -> list[CaptureSource]:
    """The captures that ``arguments`` name, each once, in their order; those of a folder or glob are sorted.

    A folder is searched with all its folders, for files whose name or first bytes are a capture's. Raises
    ``CaptureError`` for an argument that names nothing.
    """
    found: dict[str, Path | None] = {}
    for argument in arguments:
        for path in _expand(argument):
            found.setdefault(os.path.realpath(path) if path else STANDARD_INPUT, path)
    rings = join_rings(list(found.values()))
    names = _unique_names([ring[0] for ring in rings])
    return [_source(name, ring) for name, ring in zip(names, rings, strict=True)]


def printable(text: str) -> str:
    """``text`` with whatever would move a cursor or break a line escaped: file names may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _expand(argument: str) -> list[Path | None]:
    if argument == STANDARD_INPUT:
        return [None]
    if os.path.isdir(argument):
        return list(_search(argument))
    if os.path.lexists(argument):
        return [Path(argument)]
    matches = sorted(glob.glob(argument, recursive=True)) if glob.has_magic(argument) else []
    if not matches:
        meant = "" if glob.has_magic(argument) else printable(path_hint(Path(argument)))
        expected = meant or "; expected a capture, a folder, a glob or -"
        raise CaptureError(f"{printable(argument)}: no such file{expected}")
    return [path for match in matches for path in (_search(match) if os.path.isdir(match) else [Path(match)])]


def _search(folder: str) -> list[Path]:
    """The captures in a folder and its folders, sorted; links to folders are not followed."""
    files = (os.path.join(root, name) for root, _, names in os.walk(folder) for name in names)
    found = sorted(file for file in files if _SUFFIX.search(file) or _begins_like_capture(file))
    if not found:
        raise CaptureError(f"{printable(folder)}: no capture in this folder; expected .pcap or .pcapng files")
    return [Path(file) for file in found]


def _begins_like_capture(file: str) -> bool:
    if not os.path.isfile(file):
        return False
    try:
        with open(file, "rb") as opened:
            return opened.read(4) in READERS
    except OSError:
        return False


def _unique_names(paths: Sequence[Path | None]) -> list[str]:
    """A name for each path: its last part, with more of its parts where others end alike."""
    parts = [Path(os.path.abspath(path)).parts[1:] if path else ("stdin",) for path in paths]
    depths = [1] * len(parts)
    while True:
        names = [printable("/".join(part[-depth:])) for part, depth in zip(parts, depths, strict=True)]
        count = Counter(names)
        deeper = [i for i, name in enumerate(names) if count[name] > 1 and depths[i] < len(parts[i])]
        if not deeper:
            return list(_numbered(names))
        for i in deeper:
            depths[i] += 1


def _numbered(names: Sequence[str]) -> Iterator[str]:
    """The names, told apart by a number where escaping made two the same."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}#{seen[name]}"


def _source(name: str, ring: Sequence[Path | None]) -> CaptureSource:
    """The source of a file, or of the files of a ring; its name then says how many more there are."""
    path = ring[0]
    found = _source_of(name, path)
    return replace(found, name=f"{name}+{len(ring) - 1}", ring=tuple(ring)) if len(ring) > 1 else found


def _source_of(name: str, path: Path | None) -> CaptureSource:
    suffix = _SUFFIX.search(path.name) if path else None
    if path is None or suffix is None:
        return CaptureSource(name, path)
    stem = path.name[: suffix.start()]
    leg = _LEG.search(stem)
    pod = _POD.fullmatch(stem[: leg.start()] if leg else stem)
    return CaptureSource(name, path, (pod[1], pod[2]) if pod else None, LEGS[leg[1]] if leg else None)
