"""The lines of calls that are like others are those of a judge who looks at each by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.alone import OPENING, AloneLine, AloneWriter
from analyzer.mesh.load import load_mesh
from analyzer.report.json_text import CallText
from analyzer.verdict.answers import Answers
from analyzer.verdict.parting import Kinds, kinds_of
from analyzer.verdict.record import CallRecord
from made.lo import Lo, calls_over_lo, get, ok
from made.lo_busy import busy
from made.lo_heard import Heard, hear

CAPTURES = Path(__file__).resolve().parents[1] / "captures"
CLIENTS = ["10.9.0.1", "10.9.0.2", "10.9.0.3", "fd00::1", "fd00::2"]
SERVERS = [
    ("10.8.0.1:80", "http", "web"), ("10.8.0.1:80", "http", "web.shop"), ("[fd00::8]:80", "http", "wide"),
    ("10.8.0.1:80", "http", "a~b"), ("10.8.0.1:443", "tls", "web.shop"), ("10.8.0.1:6379", "tcp", ""),
    ("1.2.3.4:80", "http", "out.example"),
]  # fmt: skip


@pytest.fixture
def mesh(town):
    """Two services, and five clients; those of names alike but for a ReplicaSet's ending are of one workload."""
    town.pod("shop/a-7c9f8d6b5-x2x4z", "10.9.0.1").pod("shop/a-7c9f8d6b5-bbbbb", "10.9.0.2").pod("lab/c-0", "10.9.0.3")
    town.pod("shop/six-0", "fd00::1").pod("shop/six-1", "fd00::2").pod("shop/web-0")
    town.service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443", "tcp:6379:6379"))
    town.service("shop/wide", "fd00::8", selector={"app": "web"})
    return town.mesh()


def writer_of(mesh, *, redact: bool = True) -> AloneWriter:
    return AloneWriter(mesh, Answers(mesh), CallText(redact=redact))


def own_line(record: CallRecord, text: CallText) -> AloneLine:
    line = text.write(record, OPENING).removeprefix(f'{OPENING}"id":"{record.id}')
    return AloneLine(record.first_ns, record.client, record.request, f"{line}\n".encode(), record.decision.verdict)


def check(heard: Heard, mesh, *, redact: bool, by_table: bool) -> tuple[int, Kinds, list[CallRecord]]:
    """Hold every line against the judge's; gives how many there are, their kinds, and the judge's records."""
    writer, text, records, count = writer_of(mesh, redact=redact), CallText(redact=redact), [], 0
    table = writer.table(heard.buffer, heard.read.traffic)
    for wire, conversation, own in heard.judged(mesh):
        found = writer.plain_lines(wire, table) if by_table else writer.lines(wire, conversation)
        if found is not None:
            assert found == [own_line(record, text) for record in own]
            count += len(found)
            records += own
    return count, writer.take_kinds(), records


@pytest.mark.parametrize("by_table", [True, False])
@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_each_line_is_the_one_that_its_call_has_by_itself(mesh, seed, redact, by_table) -> None:
    count, _, _ = check(hear(busy(CLIENTS, SERVERS, seed=seed).data), mesh, redact=redact, by_table=by_table)

    assert count > 15


@pytest.mark.parametrize("pods", sorted(CAPTURES.glob("*/pods")), ids=lambda pods: pods.parent.name)
def test_lines_of_recorded_calls_are_exact(pods) -> None:
    heard = hear(calls_over_lo(sorted(pods.glob("*.any.pcap"))))

    count, _, _ = check(heard, load_mesh([pods.parent / "mesh"]), redact=True, by_table=False)

    assert count > 0


@pytest.mark.parametrize("by_table", [True, False])
def test_calls_are_counted_by_who_calls_what_as_the_judge_counts_them(mesh, by_table) -> None:
    _, kinds, records = check(hear(busy(CLIENTS, SERVERS).data), mesh, redact=True, by_table=by_table)

    def rights(found: Kinds) -> dict:
        return {key: (kind.right, kind.first_right_ns, kind.last_right_ns) for key, kind in found.items()}

    assert rights(kinds) == rights(kinds_of(records)) != {}


def test_calls_are_counted_once(mesh) -> None:
    heard, writer = hear(busy(CLIENTS, SERVERS).data), writer_of(mesh)
    for spoken in heard.spoken:
        writer.lines(*spoken)

    assert writer.take_kinds() != {}
    assert writer.take_kinds() == {}


def test_the_records_are_those_of_the_calls_that_came_first(mesh) -> None:
    lo, writer = Lo(), writer_of(mesh)
    for number, host in enumerate(("web", "web", "web.shop", "web")):
        lo.talk(f"10.9.0.1:{40_000 + number}", "10.8.0.1:80").open().ask(get("/x", host)).answer(ok()).close()
    for spoken in hear(lo.data).spoken:
        writer.lines(*spoken)

    assert [(record.host, record.client.port) for record in writer.records] == [("web", 40_000), ("web.shop", 40_002)]


def test_a_wire_of_which_one_call_has_no_pattern_is_given_back(mesh) -> None:
    lo, writer = Lo(), writer_of(mesh)
    talk = lo.talk("10.9.0.1:40000", "10.8.0.1:80").open()
    for host in ("web", "~port~"):
        talk.ask(get("/x", host)).answer(ok())
    talk.close()
    heard = hear(lo.data)
    ((wire, conversation),) = heard.spoken

    assert writer.lines(wire, conversation) is None
    assert writer.plain_lines(wire, writer.table(heard.buffer, heard.read.traffic)) is None
    assert writer.take_kinds() == {}


def test_a_wire_that_a_table_lacks_is_not_told_by_it(mesh) -> None:
    lo, writer = Lo(), writer_of(mesh)
    lo.talk("10.9.0.1:40000", "10.8.0.1:6379").open().ask(b"PING\r\n").answer(b"+PONG\r\n").close()
    heard = hear(lo.data)
    ((wire, conversation),) = heard.spoken

    assert writer.plain_lines(wire, writer.table(heard.buffer, heard.read.traffic)) is None
    assert writer.lines(wire, conversation) is not None
