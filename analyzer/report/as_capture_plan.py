"""What to record, as lines for a shell with what they are for, or as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from analyzer.report.as_json import encode
from analyzer.report.wording import format_bytes, format_count
from analyzer.verdict.capture_plan import CapturePlan, PodRecording

# What a verdict may stand on, by the file that it goes to: kinds, and the categories that CRDs declare.
_MESH = (
    ("kubernetes", "namespaces,nodes,pods,services,endpointslices"),
    ("istio", "istio-io"),
    ("gateway-api", "gateway-api"),
)
_SETTINGS = "kubectl -n istio-system get configmap istio -o yaml > {folder}/settings.yaml"
_DEBUGGED_SECONDS = 3600
# From here on one file is unhandy.
_RING_FROM = 1_000_000_000


def render_capture_plan(plan: CapturePlan, *, image: str, folder: str = "mesh") -> str:
    """A shell script that does nothing until somebody runs it: first all that is there, then the tcpdumps together."""
    return "".join(f"{line}\n" for line in _lines(plan, image, folder))


def capture_plan_json(plan: CapturePlan, *, image: str, folder: str = "mesh") -> bytes:
    """One object: the question, the recordings with their commands, the commands for the mesh, the advice."""
    recordings = [
        {
            "namespace": each.namespace,
            "pod": each.pod,
            "interface": each.interface,
            "filter": each.filter,
            "snap_len": each.snap_len,
            "seconds": each.seconds,
            "estimated_bytes": each.estimated_len,
            "file": each.file,
            "commands": [_debug(each, image), _until_ready(each), _tcpdump(each)],
        }
        for each in plan.recordings
    ]
    told = {
        "question": plan.topic.asks,
        "recordings": recordings,
        "mesh": list(_mesh_lines(folder)),
        "advice": list(plan.advice),
    }
    return encode(told) + b"\n"


def _lines(plan: CapturePlan, image: str, folder: str) -> Iterator[str]:
    total = sum(each.estimated_len for each in plan.recordings)
    yield f"# {plan.topic.asks}"
    yield from (f"# {line}" for line in plan.advice)
    pods = format_count(len(plan.recordings), "pod")
    yield f"# {pods}, about {format_bytes(total)} in {plan.recordings[0].seconds} s."
    if total >= _RING_FROM:
        yield "# That is much for one file: let tcpdump turn files over, -C 100 -W 20 (docs/capture.md)."
    yield ""
    yield "# A container with tcpdump beside each application; nothing restarts."
    yield from (_debug(each, image) for each in plan.recordings)
    yield "# Until its image is there: two minutes at most."
    yield from map(_until_ready, plan.recordings)
    yield ""
    yield "# All at once; each file has the name of its pod."
    for each in plan.recordings:
        cut = f"{each.snap_len} bytes of each packet" if each.snap_len else "whole packets"
        yield f"# {each.file}: {cut}, about {format_bytes(each.estimated_len)}"
        yield f"{_tcpdump(each)} &"
    yield "wait"
    yield ""
    yield "# The mesh of the same minutes."
    yield from _mesh_lines(folder)
    yield ""
    yield f"meshverdict analyze {' '.join(each.file for each in plan.recordings)} -m {shlex.quote(folder)}"


def _debug(each: PodRecording, image: str) -> str:
    return (
        f"kubectl -n {each.namespace} debug {each.pod} --profile=netadmin --image={shlex.quote(image)} "
        f"--container=capture -- sleep {each.seconds + _DEBUGGED_SECONDS}"
    )


def _until_ready(each: PodRecording) -> str:
    """``kubectl debug`` comes back before the container runs, and ``kubectl wait`` knows no condition for one."""
    tried = f"kubectl -n {each.namespace} exec {each.pod} -c capture -- true 2> /dev/null"
    return f"for try in $(seq 60); do {tried} && break; sleep 2; done"


def _tcpdump(each: PodRecording) -> str:
    return (
        f"kubectl -n {each.namespace} exec {each.pod} -c capture -- timeout {each.seconds} "
        f"tcpdump -i {each.interface} -s {each.snap_len} -n -U -w - {shlex.quote(each.filter)} > {each.file}"
    )


def _mesh_lines(folder: str) -> Iterator[str]:
    quoted = shlex.quote(folder)
    yield f"mkdir -p {quoted}"
    yield from (f"kubectl get {kinds} -A -o yaml > {quoted}/{name}.yaml" for name, kinds in _MESH)
    yield _SETTINGS.format(folder=quoted)
