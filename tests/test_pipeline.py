"""The conductor: captures and mesh through every room."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer import pipeline
from analyzer.base.errors import CaptureError
from analyzer.mesh.load import load_mesh, parse_mesh
from analyzer.pipeline import Interval, all_codes, analyze_paths, cited_lines

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"
NAKED = SHOP / "pods" / "legacy_naked-0.any.pcap"
FRONTEND = SHOP / "pods" / "shop_frontend-0.any.pcap"


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([SHOP / "mesh"])


def verdicts(analysis):
    return [call.decision.verdict for call in analysis.calls]


# A run.


def test_a_run_has_calls_flows_and_captures(mesh) -> None:
    run = analyze_paths([str(NAKED)], mesh)

    (capture,) = run.captures
    assert (capture.name, capture.pod, capture.complete, capture.error) == (NAKED.name, "legacy/naked-0", True, None)
    assert capture.calls == len(run.calls) > 0
    assert capture.connections == len(run.flows) >= len({call.uid for call in run.calls})


def test_a_run_without_mesh_has_no_record_of_one() -> None:
    run = analyze_paths([str(NAKED)])

    assert run.mesh is None
    assert set(verdicts(run)) == {None}
    assert run.findings == ()


def test_the_mesh_is_told_with_what_was_odd_and_what_could_not_be_used() -> None:
    odd = parse_mesh("kind: Unheard\napiVersion: example.com/v1\nmetadata: {name: a, namespace: b}\n---\nkind: {Pod\n")

    record = analyze_paths([str(NAKED)], odd).mesh

    assert dict(record.ignored) == {"Unheard": 1}
    assert len(record.errors) == 1
    assert record.errors[0].startswith("mesh.yaml:")


def test_two_captures_that_saw_a_call_make_one_call(mesh) -> None:
    alone, both = analyze_paths([str(NAKED)], mesh), analyze_paths([str(NAKED), str(FRONTEND)], mesh)

    shared = [call for call in both.calls if len(call.captures) > 1]
    own = {(call.client, call.request) for call in alone.calls}
    assert any((call.client, call.request) in own for call in shared)
    assert len({(call.client, call.request) for call in both.calls}) == len(both.calls)


def test_the_order_of_captures_changes_nothing(mesh) -> None:
    one, other = (analyze_paths(paths, mesh) for paths in ([str(NAKED), str(FRONTEND)], [str(FRONTEND), str(NAKED)]))

    assert one.calls == other.calls


@pytest.mark.parametrize("jobs", [2, 3])
def test_a_run_is_the_same_whatever_the_number_of_processes(mesh, monkeypatch, jobs) -> None:
    alone = analyze_paths([str(SHOP / "pods")], mesh)
    monkeypatch.setattr(pipeline, "SHARED_WIRES", 1)

    assert analyze_paths([str(SHOP / "pods")], mesh, jobs=jobs) == alone


def test_findings_are_about_calls_of_the_run(mesh) -> None:
    run = analyze_paths([str(NAKED)], mesh)

    ids = {call.id for call in run.calls}
    assert all(set(finding.calls) <= ids for finding in run.findings)


def stages_of(name: str) -> list[str]:
    return [name, *(f"{name}: {stage}" for stage in ("packets", "connections", "streams"))]


def test_progress_is_told_for_every_capture_and_never_goes_back(mesh) -> None:
    told = []

    analyze_paths([str(NAKED), str(FRONTEND)], mesh, progress=lambda *each: told.append(each))

    files = [name for capture in (NAKED, FRONTEND) for name in stages_of(capture.name)]
    assert list(dict.fromkeys(name for name, _, _ in told)) == [*files, "what was said", "verdicts"]
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert {size for _, _, size in told} == {NAKED.stat().st_size + FRONTEND.stat().st_size}


# Vantages.


def calls_by_client(run):
    return {(call.client, call.request): call for call in run.calls}


@pytest.fixture(scope="module")
def everything(mesh):
    """What the client's pod shows on all its interfaces."""
    return calls_by_client(analyze_paths([str(SHOP / "pods" / "shop_sleep-0.any.pcap")], mesh))


def test_the_applications_side_alone_shows_every_call_and_its_verdict(everything, mesh) -> None:
    """Only which pod was chosen is behind the sidecar, and what bypasses it on eth0."""
    inner = analyze_paths([str(SHOP / "interfaces" / "shop_sleep-0.lo.pcap")], mesh)

    assert inner.captures[0].vantage.startswith("lo only")
    found = calls_by_client(inner)
    own = {key for key, call in found.items() if call.legs[0].role == "app-to-sidecar"}
    assert own == {key for key, call in everything.items() if call.legs[0].role == "app-to-sidecar"}
    assert {key for key in own if found[key].decision.verdict != everything[key].decision.verdict} == set()


def test_the_wires_side_alone_shows_clusters_and_never_that_nothing_left(mesh) -> None:
    """A local reply never reaches eth0, so its absence is no evidence; mutual TLS names the cluster."""
    run = analyze_paths([str(SHOP / "interfaces" / "shop_sleep-0.eth0.pcap")], mesh)

    assert run.captures[0].vantage.startswith("eth0 only")
    sealed = [call for call in run.calls if call.sni and call.sni.startswith("outbound_.")]
    assert {call.decision.verdict for call in sealed} == {"service-matched", "headless-matched"}
    assert all(call.decision.outbound.cluster == call.sni.replace("_.", "|") for call in sealed)
    unread = [call for call in run.calls if call.pod == "shop/sleep-0" and call not in sealed]
    assert {call.decision.verdict for call in unread} <= {None, "passthrough"}


def test_no_packet_contradicts_the_mesh_that_was_recorded(everything) -> None:
    assert [call.observed.why for call in everything.values() if call.observed.agrees is False] == []


# Intervals.


@pytest.mark.parametrize(
    ("since", "until", "kept"),
    [(None, None, "all"), (0, None, "all"), (None, 0, "none"), ("third", None, "from"), (None, "third", "before")],
)
def test_an_interval_holds_the_calls_that_begin_in_it(mesh, since, until, kept) -> None:
    calls = analyze_paths([str(NAKED)], mesh).calls
    third = calls[2].first_ns
    bounds = [third if bound == "third" else bound for bound in (since, until)]

    found = analyze_paths([str(NAKED)], mesh, interval=Interval(*bounds))

    expected = {"all": calls, "none": (), "from": calls[2:], "before": calls[:2]}[kept]
    assert found.calls == expected
    assert found.captures[0].calls == len(expected)


# What goes wrong.


def test_a_file_that_is_no_capture_does_not_keep_the_others_from_being_read(mesh, tmp_path) -> None:
    notes = tmp_path / "notes.pcap"
    notes.write_text("only notes, and enough of them to be no capture\n")

    run = analyze_paths([str(notes), str(NAKED)], mesh)

    assert [bool(capture.error) for capture in run.captures] == [True, False]
    assert run.captures[0].error.startswith("notes.pcap: ")
    assert (run.captures[0].records, run.captures[0].complete) == (0, False)
    assert verdicts(run) == verdicts(analyze_paths([str(NAKED)], mesh))


def test_a_capture_that_breaks_off_gives_what_comes_before(mesh, tmp_path) -> None:
    cut = tmp_path / NAKED.name
    cut.write_bytes(NAKED.read_bytes()[:-7])

    (capture,) = analyze_paths([str(cut)], mesh).captures

    assert (capture.complete, capture.pod) == (False, "legacy/naked-0")
    assert capture.error.startswith(f"{NAKED.name}: packet ")


def test_nothing_to_read_is_an_error(tmp_path) -> None:
    with pytest.raises(CaptureError):
        analyze_paths([str(tmp_path)])


# Lines of YAML.


def test_the_lines_that_calls_cite_are_at_hand(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHOP / "mesh", tmp_path / "mesh")
    run = analyze_paths([str(NAKED), str(FRONTEND)], load_mesh(["mesh"]))
    cited = {place.file_line for call in run.calls for step in call.decision.steps for place in step.yaml}

    lines = cited_lines(run)

    text = (tmp_path / "mesh" / "manifests.yaml").read_text().split("\n")
    assert lines.keys() == cited
    assert all(line == text[int(place.rpartition(":")[2]) - 1] for place, line in lines.items())


def test_lines_of_a_file_that_is_gone_are_left_out(mesh, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert cited_lines(analyze_paths([str(NAKED)], mesh)) == {}


def test_no_file_is_opened_that_the_mesh_was_not_read_from(tmp_path, monkeypatch) -> None:
    """A run that was read back names files that somebody else wrote there."""
    from analyzer.base.fact import replace
    from analyzer.base.place import YamlPlace
    from analyzer.verdict.decision import Step

    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text("a secret\n")
    run = analyze_paths([str(NAKED)])
    call = run.calls[0]
    step = Step("read this", yaml=(YamlPlace("secret.txt", 1),))
    forged = replace(run, calls=(replace(call, decision=replace(call.decision, steps=(step,))),))

    assert cited_lines(forged) == {}


# Codes.


def test_codes_of_every_room_are_found_once_each_in_order() -> None:
    codes = all_codes()

    assert len({code.name for code in codes}) == len(codes)
    assert codes == sorted(codes, key=lambda code: (code.family.value, code.name))
    assert {code.family.value for code in codes} >= {"capture", "protocol", "mesh", "reason", "undetermined", "finding"}


# What is strange.


@pytest.fixture
def written(tmp_path):
    """A function that writes TCP segments, each (client's?, sequence number, flags, payload), and analyses them."""
    from scapy.layers.inet import IP, TCP
    from scapy.utils import wrpcap

    def write(*segments, client="10.0.0.1:40000", server="10.0.0.2:80"):
        (a, p), (b, q) = (end.split(":") for end in (client, server))
        packets = []
        for from_client, seq, flags, data in segments:
            ends, ports = ((a, b), (p, q)) if from_client else ((b, a), (q, p))
            tcp = TCP(sport=int(ports[0]), dport=int(ports[1]), seq=seq, ack=1, flags=flags)
            packets.append(IP(src=ends[0], dst=ends[1]) / tcp / data)
        wrpcap(str(tmp_path / "x.pcap"), packets, linktype=101)
        return analyze_paths([str(tmp_path / "x.pcap")])

    return write


def test_what_is_strange_about_packets_and_about_what_they_say_is_told_of_the_capture(written) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"

    (capture,) = written((True, 99, "S", b""), (True, 100, "PA", request), (True, 100, "PA", b"PUT")).captures

    assert any(line.startswith("x.pcap: packet 3: 1 packets repeat bytes") for line in capture.oddities)
    assert any(line.startswith("x.pcap: packet 2: ") for line in capture.oddities)


def test_a_limit_that_was_hit_is_one_of_the_run(written) -> None:
    run = written((True, 99, "S", b""), *[(True, 100 + 8192 * n, "PA", b"X-A: " + b"a" * 8187) for n in range(9)])

    assert [line.split(": ")[:2] for line in run.limits] == [["x.pcap", "packet 2"]]


def test_where_only_ports_tell_who_opened_a_connection_who_asks_is_the_client(written) -> None:
    """Port 80 would be the server's."""
    run = written((False, 100, "PA", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (True, 1, "PA", b"HTTP/1.1 200 OK\r\n\r\n"))

    assert [(str(call.client), call.host) for call in run.calls] == [("10.0.0.2:80", "a")]


# Captures that become shorter.

CUT_ON_THE_WAY = """
import os, sys
from analyzer.capture import reader
from analyzer.pipeline import analyze_paths

path, stage = sys.argv[1:]
reader.MAPPED_FROM = 0

def cut(what, done, size):
    if what.endswith(stage) and os.path.getsize(path) > 20_000:
        os.truncate(path, 20_000)

run = analyze_paths([path], progress=cut)
print(run.captures[0].complete, run.captures[0].error, len(run.flows) > 0, sep="|")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is known that well")
@pytest.mark.parametrize("stage", ["any.pcap", "packets", "connections", "streams", "what was said", "verdicts"])
def test_a_capture_that_becomes_shorter_on_the_way_is_told_and_kills_nobody(tmp_path, stage) -> None:
    path = tmp_path / "a.any.pcap"
    shutil.copy(SHOP / "pods" / "shop_sleep-0.any.pcap", path)
    command = [sys.executable, "-c", CUT_ON_THE_WAY, str(path), stage]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    complete, error, has_flows = done.stdout.strip().split("|")
    assert (done.returncode, complete, has_flows) == (0, "False", "True"), done.stderr
    assert "became shorter" in error or "left in the file" in error


# Runs that are ended early.


class Impatience:
    """Asks for the end of a run whenever its work is what is said here, one after the other."""

    def __init__(self, *stages: str) -> None:
        self.stages, self.asked = list(stages), 0

    def progress(self, what: str, done: float, _: int) -> None:
        if self.stages and self.stages[0] in what and (done > 0.75 or what != "verdicts"):
            del self.stages[0]
            self.asked += 1

    def stop(self) -> int:
        return self.asked


def test_whoever_ends_it_while_it_reads_gets_what_was_read_judged(mesh) -> None:
    user = Impatience("frontend-0")
    whole = analyze_paths([str(SHOP / "pods")], mesh)

    run = analyze_paths([str(SHOP / "pods")], mesh, progress=user.progress, stop=user.stop)

    unread = [capture.name for capture in run.captures if capture.error]
    assert [c.name for c in run.captures] == [c.name for c in whole.captures]
    assert run.captures[-1].error == f"{unread[-1]}: interrupted before it was read"
    assert 0 < len(unread) < len(run.captures)
    assert run.calls == analyze_paths([str(SHOP / "pods" / c.name) for c in run.captures if not c.error], mesh).calls


def test_whoever_ends_it_while_it_judges_gets_what_was_judged(mesh) -> None:
    user = Impatience("verdicts")
    sleep = [str(SHOP / "pods" / "shop_sleep-0.any.pcap")]

    run = analyze_paths(sleep, mesh, progress=user.progress, stop=user.stop)

    assert 0 < len(run.calls) < len(analyze_paths(sleep, mesh).calls)
