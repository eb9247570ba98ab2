"""``analyze -o jsonl`` of one capture that is too large for memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from analyzer.base.errors import CaptureError, OutputError
from analyzer.base.partial import has_no_room
from analyzer.base.watch import Watch
from analyzer.cli.outcome import FAIL_ON
from analyzer.mesh.snapshot import MeshSnapshot

if TYPE_CHECKING:
    from analyzer.base.watch import Progress, Stop
    from analyzer.capture.sources import CaptureSource
    from analyzer.large import LargeRun
    from analyzer.mesh.history import Meshes
    from analyzer.verdict.record import CallRecord

# Smaller files are not looked into: with packets of common sizes they fit into memory.
_LEAST_LEN = 256 << 20


def run_if_large(
    captures: Sequence[str],
    mesh: Meshes | None,
    *,
    keep: Callable[[CallRecord], bool],
    failures: Sequence[str],
    redact: bool,
    jobs: int,
    progress: Progress | None,
    stop: Stop,
) -> LargeRun | None:
    """The run over a capture that is read lot by lot; None where it need not be, or cannot.

    Raises ``OutputError`` where there is no room for its temporary files.
    """
    source = _large_source(captures)
    if source is None or not (mesh is None or isinstance(mesh, MeshSnapshot)):
        return None
    # A small run does not pay for these rooms.
    from analyzer.large import Plan, is_large, run_large
    from analyzer.pipeline import mesh_record

    if not is_large(source):
        return None
    hint = "/".join(part for part in source.pod_hint if part) if source.pod_hint else None
    watched = {name: FAIL_ON[name] for name in failures}
    record = mesh_record(mesh) if mesh else None
    try:
        plan = Plan(mesh, record, hint, keep, watched, redact=redact, jobs=jobs)
        return run_large(source.read(), plan, Watch(progress, source.size, stop=stop))
    except CaptureError:
        return None
    except OSError as error:
        if has_no_room(error):
            raise OutputError(f"temporary files: {error.strerror}: set TMPDIR to a folder with more room") from None
        raise


def _large_source(captures: Sequence[str]) -> CaptureSource | None:
    """The run's one capture, where it has many bytes."""
    from analyzer.capture.sources import find_captures

    sources = find_captures(captures)
    return sources[0] if len(sources) == 1 and sources[0].size >= _LEAST_LEN else None
