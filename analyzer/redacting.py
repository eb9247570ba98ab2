"""The conductor of redaction: captures and YAML under pseudonyms, and the proof that every verdict is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analyzer.base.errors import CaptureError, MeshError
from analyzer.base.fact import Fact, replace
from analyzer.base.pseudonym import Pseudonyms
from analyzer.base.stream import Stream
from analyzer.base.vocabulary import VOCABULARY
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.capture.packet_scrub import scrub_packets
from analyzer.capture.pcap_writer import write_cut
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.sources import CaptureSource, find_captures
from analyzer.flow.connections import connections
from analyzer.mesh.load import load_mesh, parse_mesh
from analyzer.mesh.scrub import names_in, scrub_yaml
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.opening import open_capture
from analyzer.pipeline import ask_all
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.scrub import scrub_conversation
from analyzer.verdict.record import CallRecord

CAPTURES, MESH = "captures", "mesh"
_YAML = (".yaml", ".yml", ".json")


class Redaction(Fact, frozen=True):
    """Files under pseudonyms, as paths below the folder that they are for, and their bytes; ``mesh`` is as it was.

    ``packets`` are those that are left, ``dropped`` those that are not rewritten. ``differing`` are the ids of calls
    that would come out otherwise; where there are such, the files must not be used. ``errors`` are captures that could
    not be read, or not to their end, ``limits`` those that were hit.
    """

    files: tuple[tuple[str, bytes], ...]
    mesh: MeshSnapshot
    calls: int
    packets: int
    dropped: int
    differing: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


def redact_paths(captures: Sequence[str], mesh_paths: Sequence[str], key: bytes) -> Redaction:
    """Redact files, folders and globs of captures, and files and folders of YAML; nothing is written.

    The proof: the redacted captures are judged again in the redacted mesh, and every call must have the same verdict,
    reason, outcome and agreement. Raises ``CaptureError`` and ``MeshError`` as an analysis does.
    """
    names = Pseudonyms(key, VOCABULARY)
    texts = _scrub_mesh(mesh_paths, names)
    old, new = load_mesh(mesh_paths), parse_mesh("\n---\n".join(texts.values()))
    files = {name: text.encode() for name, text in texts.items()}
    before, after, errors = [], [], []
    packets = dropped = 0
    for source in find_captures(captures):
        try:
            capture = replace(source.read(), secrets=b"")
        except CaptureError as error:
            errors.append(str(error))
            continue
        errors += [capture.error] if capture.error else []
        file = _file_of(source.name, names)
        data, kept = _scrub_capture(capture, names)
        files[f"{CAPTURES}/{file}"] = data
        packets, dropped = packets + kept, dropped + len(capture.records) - kept
        before.append(open_capture(capture, source.pod_hint, old))
        after.append(open_capture(read_capture_bytes(data, name=file), _hint_of(source, names), new))
    (was, limits), (now, _) = ask_all(before, old), ask_all(after, new)
    differing = _differing([asked.record for asked in was], [asked.record for asked in now])
    return Redaction(tuple(sorted(files.items())), old, len(was), packets, dropped, differing, tuple(errors), limits)


def _hint_of(source: CaptureSource, names: Pseudonyms) -> tuple[str | None, str] | None:
    if source.pod_hint is None:
        return None
    namespace, pod = source.pod_hint
    return names.text(namespace) if namespace else None, names.text(pod)


def _file_of(name: str, names: Pseudonyms) -> str:
    """The new name of a capture, which may say of whose pod it is; always pcap, not compressed."""
    for ending in (".gz", ".zst", ".xz", ".bz2"):
        name = name.removesuffix(ending)
    stem, dot, ending = name.rpartition(".")
    return f"{names.text(stem)}{dot}{ending}" if dot else names.text(name)


def _scrub_capture(capture: Capture, names: Pseudonyms) -> tuple[bytes, int]:
    packets = decode_packets(capture)
    payloads = bytearray(len(capture.buffer))
    for found in connections(capture.name, capture.buffer, capture.records, packets):
        said = parse_conversation(found.from_client, found.from_server)
        contents = scrub_conversation(said, found.from_client, found.from_server, names)
        for stream, content in zip((found.from_client, found.from_server), contents, strict=True):
            _put(payloads, stream, content)
    buffer, rows = scrub_packets(capture, packets, bytes(payloads), names)
    kept = np.full(len(capture.records), -1, np.int64)
    kept[rows] = capture.records.captured_len[rows]
    interfaces = tuple(replace(each, description="") for each in capture.interfaces)
    new = replace(capture, name=names.text(capture.name), buffer=memoryview(buffer), interfaces=interfaces)
    return b"".join(write_cut(new, kept)), len(rows)


def _put(payloads: bytearray, stream: Stream, content: bytes) -> None:
    for start, offset, length in zip(stream.starts, stream.offsets, stream.lengths, strict=True):
        payloads[offset : offset + length] = content[start : start + length]


def _scrub_mesh(paths: Sequence[str], names: Pseudonyms) -> dict[str, str]:
    texts = {}
    for given in map(Path, paths):
        found = sorted(path for path in given.rglob("*") if path.suffix in _YAML) if given.is_dir() else [given]
        for path in found:
            try:
                name = path.relative_to(given).as_posix() if given.is_dir() else path.name
                texts[f"{MESH}/{names.text(name.removesuffix(path.suffix))}{path.suffix}"] = path.read_text(
                    encoding="utf-8-sig"
                )
            except (OSError, UnicodeDecodeError) as error:
                raise MeshError(f"{path}: cannot be read: {error}") from None
    known = names_in(texts.values(), names)
    return {name: scrub_yaml(text, known, names) for name, text in texts.items()}


def _differing(before: Sequence[CallRecord], after: Sequence[CallRecord]) -> tuple[str, ...]:
    left = Counter(map(_judgement, after))
    differing = []
    for call in before:
        judgement = _judgement(call)
        if not left[judgement]:
            differing.append(call.id)
        left[judgement] -= 1
    more = sum(count for count in left.values() if count > 0)
    return tuple(differing) or (("new",) if more else ())


def _judgement(call: CallRecord) -> tuple[object, ...]:
    """What must stay of a call, and by what it is known again: its time, ports and place on the connection."""
    decision, observed = call.decision, call.observed
    who = call.first_ns, call.client.port, call.server.port, call.request, call.protocol, call.method
    verdict = decision.verdict, decision.reason, decision.undetermined
    return *who, *verdict, observed.outcome, observed.status, observed.answered_by, observed.agrees, observed.tls_alert
