"""What applications send over lo is told by a run in lots, and by a plain one, with the same bytes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from analyzer.mesh.kinds.mesh_config import LOCALHOST
from analyzer.mesh.load import load_mesh
from analyzer.mesh.registry import services_of
from analyzer.report.json_text import CallText
from analyzer.verdict.judge import judge
from made.lo import calls_over_lo
from made.lo_alone import call_lines, flow_line, write_alone, writer_of
from made.lo_busy import busy, damaged
from made.lo_heard import NAME, hear
from made.lo_runs import apart, lines_of, plain_lines, read_bytes

ROOT = Path(__file__).resolve().parents[2]
WORLDS = sorted((ROOT.parent / "shared" / "worlds").glob("[bgq]*/pods"))
SCENARIOS = sorted((ROOT / "captures").glob("*/pods"))
PODS = SCENARIOS + random.Random(3).sample(WORLDS, min(len(WORLDS), 30))
FEW_PODS = SCENARIOS[-2:] + random.Random(4).sample(WORLDS, min(len(WORLDS), 8))


def name_of(pods: Path) -> str:
    return pods.parent.name


def mesh_of(pods: Path):
    """The mesh of a recording; one whose sidecars deliver to localhost is not for lots."""
    mesh = load_mesh([pods.parent / "mesh"])
    if mesh.config.inbound_policy == LOCALHOST:
        pytest.skip("its sidecars deliver to localhost, so that nothing is parted")
    return mesh


def spelled(mesh, chance: random.Random) -> list[tuple[str, str, str]]:
    """Servers of a mesh, each by several of its names and some that are nobody's."""
    found = []
    for service in services_of(mesh):
        for address in [each for each in service.addresses if each.count(".") == 3 and "/" not in each][:1]:
            labels = service.hostname.split(".")
            names = [service.hostname, labels[0], ".".join(labels[:2]), f"x.{service.hostname}", labels[0].upper()]
            for port in service.ports:
                kind = "tls" if "tls" in port.name or port.number == 443 else "http"
                found += [(f"{address}:{port.number}", kind, name) for name in chance.sample(names, 2)]
                found.append((f"{address}:{port.number}", "tcp", ""))
    return chance.sample(found, min(len(found), 8))


def made(pods: Path, mesh) -> bytes:
    """Calls that were never made, between the pods of a recording."""
    chance = random.Random(name_of(pods))
    clients = sorted(ip for pod in mesh.pods for ip in pod.ips if ":" not in ip)
    return busy(chance.sample(clients, min(len(clients), 8)), spelled(mesh, chance)).data


@pytest.mark.parametrize("pods", PODS, ids=name_of)
def test_what_recorded_applications_sent_over_lo_has_the_bytes_of_a_plain_run(pods) -> None:
    mesh, read = mesh_of(pods), read_bytes(calls_over_lo(sorted(pods.glob("*.any.pcap"))))

    for redact in (True, False):
        assert lines_of(apart(read, mesh, redact=redact), redact=redact) == plain_lines(read, mesh, redact=redact)


@pytest.mark.parametrize("pods", FEW_PODS, ids=name_of)
def test_what_applications_might_send_has_the_bytes_of_a_plain_run(pods) -> None:
    mesh = mesh_of(pods)
    read = read_bytes(made(pods, mesh))

    assert lines_of(apart(read, mesh, lot=9)) == plain_lines(read, mesh)


@pytest.mark.parametrize("pods", FEW_PODS, ids=name_of)
def test_a_line_that_was_filled_in_is_the_one_of_a_judge_who_knows_of_no_other_call(pods) -> None:
    mesh = mesh_of(pods)
    heard, text, calls, flows = hear(made(pods, mesh)), CallText(redact=True), [], []

    written = write_alone(writer_of(mesh), heard)

    for wire, conversation in heard.spoken:
        if wire.connection.index in written.done:
            own = judge([(wire, conversation)], mesh, {NAME: None})
            calls += call_lines(own, text)
            flows.append(flow_line(wire, conversation, own))
    assert sorted(written.calls) == sorted(calls) != []
    assert sorted(written.flows) == sorted(flows)


@pytest.mark.parametrize("pods", FEW_PODS, ids=name_of)
@pytest.mark.parametrize("share", [0.01, 0.05])
def test_a_damaged_capture_has_the_bytes_of_a_plain_run(pods, share) -> None:
    mesh = mesh_of(pods)
    read = read_bytes(damaged(made(pods, mesh), random.Random(name_of(pods)), share))

    run = apart(read, mesh)

    # Damage may make what looks like a leg.
    assert run is None or lines_of(run) == plain_lines(read, mesh)
