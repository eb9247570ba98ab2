"""Lines that are made of columns are those that are written of each call and of each connection by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.alone_lines import AloneLines
from analyzer.base.scratch import Scratch
from analyzer.mesh.load import load_mesh
from analyzer.report.json_text import CallText
from analyzer.report.spill import Spill
from analyzer.verdict.alone_rows import AloneRows, rows_of
from analyzer.verdict.answers import Answers
from analyzer.verdict.exemplars import Exemplars
from made.lo import Lo, calls_over_lo, get, hello, ok, server_hello
from made.lo_alone import Line, call_lines, connections_in, flow_line, lines_in
from made.lo_busy import busy
from made.lo_heard import NAME, Heard, hear

CAPTURES = Path(__file__).resolve().parents[1] / "captures"
CLIENTS = ["10.9.0.1", "10.9.0.2", "10.9.0.3", "fd00::1", "fd00::2"]
WEB, SEALED, CACHE = "10.8.0.1:80", "10.8.0.1:443", "10.8.0.1:6379"
SERVERS = [
    (WEB, "http", "web"), (WEB, "http", "web.shop"), ("[fd00::8]:80", "http", "wide"), (WEB, "http", "db"),
    (SEALED, "tls", "web.shop"), (CACHE, "tcp", ""),
]  # fmt: skip


@pytest.fixture
def mesh(town):
    """Clients of two namespaces and two families, of whom one's name looks like a mark, and three services."""
    town.pod("shop/a-0", "10.9.0.1").pod("shop/a-1", "10.9.0.2").pod("lab/c-0", "10.9.0.3").pod(
        "shop/a~b-0", "10.9.0.4"
    )
    town.pod("shop/six-0", "fd00::1").pod("lab/six-1", "fd00::2").pod("shop/web-0").pod("shop/db-0")
    town.service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443", "tcp:6379:6379"))
    return town.service("shop/wide", "fd00::8", selector={"app": "web"}).service("shop/db", headless=True).mesh()


class Writer:
    """Writes lots of calls that are like others, and the same by the whole writer."""

    def __init__(self, mesh, *, redact: bool = True, capture: str = NAME) -> None:
        self.mesh = mesh
        self.redact = redact
        self.exemplars = Exemplars(mesh, Answers(mesh))
        self.lines = AloneLines(CallText(redact=redact), capture)

    def rows(self, heard: Heard) -> AloneRows:
        """The calls of all connections of which each call is like another."""
        found = ((w.connection.index, self.exemplars.alike(w, said) or ()) for w, said in heard.spoken)
        return rows_of(sorted(found, key=lambda each: each[0]))

    def write(self, heard: Heard) -> tuple[AloneRows, list[Line], list[Line]]:
        """The rows that are shown, with the lines of calls and of flows."""
        files = Scratch(), Scratch()
        spills = tuple(map(Spill, files))
        shown = self.lines.shown(self.rows(heard))
        self.lines.write(shown, connections_in(heard), *spills)
        calls, flows = map(lines_in, spills, files)
        return shown, calls, flows

    def check(self, heard: Heard) -> int:
        """Hold what is written against the whole writer's; gives how many calls there are."""
        shown, calls, flows = self.write(heard)
        text, own_calls, own_flows = CallText(redact=self.redact), [], []
        which = set(shown.connection.tolist())
        for wire, conversation, records in heard.judged(self.mesh):
            if wire.connection.index in which:
                own_calls += call_lines(records, text)
                own_flows.append(flow_line(wire, conversation, records))
        assert sorted(calls) == sorted(own_calls)
        assert sorted(flows) == sorted(own_flows)
        return len(calls)


def call(lo: Lo, asked: bytes = b"", *, client: str = "10.9.0.1:1", server: str = WEB, answered: bytes = b"") -> None:
    lo.talk(client, server).open().ask(asked or get()).answer(answered or ok()).close()


# The same bytes.


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_lines_are_those_of_the_whole_writer(mesh, seed, redact) -> None:
    assert Writer(mesh, redact=redact).check(hear(busy(CLIENTS, SERVERS, seed=seed).data)) > 40


@pytest.mark.parametrize("pods", sorted(CAPTURES.glob("*/pods")), ids=lambda pods: pods.parent.name)
def test_lines_of_recorded_calls_are_those_of_the_whole_writer(pods) -> None:
    heard = hear(calls_over_lo(sorted(pods.glob("*.any.pcap"))))

    assert Writer(load_mesh([pods.parent / "mesh"])).check(heard) > 0


def test_what_was_written_before_changes_no_line(mesh) -> None:
    writer = Writer(mesh)

    for seed in range(5):
        assert writer.check(hear(busy(CLIENTS, SERVERS, seed=seed, connections=30).data)) > 5


def test_no_more_is_kept_of_calls_that_come_again(mesh) -> None:
    writer, heard = Writer(mesh), hear(busy(CLIENTS, SERVERS, connections=30).data)
    writer.write(heard)
    before = writer.lines.size, len(writer.lines._askers)

    writer.write(heard)

    assert (writer.lines.size, len(writer.lines._askers)) == before


@pytest.mark.parametrize("path", ["/~path~", '/"\\', "/?token=s3cret", "/" + "x" * 5000, "*", "/{}%s", "/%c3%a9"])
@pytest.mark.parametrize("redact", [True, False])
def test_whatever_paths_hold_lines_are_exact(mesh, path, redact) -> None:
    lo = Lo()
    for port, each in enumerate(("/first", path, "/", path)):
        talk = lo.talk(f"10.9.0.{port % 3 + 1}:{port}", WEB).open()
        for target in ("/x", each):
            talk.ask(get(target, "web.shop")).answer(ok())
        talk.close()

    assert Writer(mesh, redact=redact).check(hear(lo.data)) == 8


@pytest.mark.parametrize("clients", [(1, 4, 2, 4), (4, 1, 4, 2)])
def test_a_client_whose_name_looks_like_a_mark_makes_no_other_line(mesh, clients) -> None:
    lo = Lo()
    for number in clients:
        call(lo, client=f"10.9.0.{number}:{len(lo.records)}")

    assert Writer(mesh).check(hear(lo.data)) >= 2


# Flows.


def test_a_flow_says_how_many_calls_there_were_and_the_worst_verdict(mesh) -> None:
    lo = Lo()
    talk = lo.talk("10.9.0.1:1", WEB).open()
    for host in ("db", "web", "web"):
        talk.ask(get(host=host)).answer(ok())
    talk.close()
    call(lo, client="10.9.0.1:2")

    _, _, (one, other) = Writer(mesh).write(hear(lo.data))

    assert b'"verdict":"headless-matched","calls":3' in one.text
    assert b'"verdict":"service-matched","calls":1' in other.text


def test_a_flow_says_what_it_speaks(mesh) -> None:
    lo = Lo()
    call(lo)
    call(lo, hello("web"), client="10.9.0.1:2", server=SEALED, answered=server_hello())
    call(lo, b"PING\r\n", client="10.9.0.1:3", server=CACHE, answered=b"+PONG\r\n")

    _, _, flows = Writer(mesh).write(hear(lo.data))

    assert [part.text.split(b'"protocol":"')[1].split(b'"')[0] for part in flows] == [b"http/1.1", b"tls", b"tcp"]


# What cannot be written.


def test_connections_of_which_one_call_has_no_pattern_are_not_shown(mesh) -> None:
    lo = Lo()
    for port, hosts in enumerate((("web",), ("web", "~port~"), ("~port~", "web"), ("web.shop", "web"))):
        talk = lo.talk(f"10.9.0.1:{port}", WEB).open()
        for host in hosts:
            talk.ask(get("/x", host)).answer(ok())
        talk.close()
    writer, heard = Writer(mesh), hear(lo.data)

    shown, calls, flows = writer.write(heard)

    hidden = {index for index, (wire, _) in enumerate(heard.spoken) if wire.client.port in (1, 2)}
    assert set(shown.connection.tolist()) == set(range(4)) - hidden
    assert (len(calls), len(flows)) == (3, 2)
    assert writer.check(heard) == 3


def test_calls_that_are_like_none_are_not_shown(mesh) -> None:
    lo = Lo()
    for port in (1, 2):
        call(lo, client=f"10.9.0.1:{port}", server=(WEB, CACHE)[port - 1])
    writer = Writer(mesh)
    rows = writer.rows(hear(lo.data))
    kinds = [None, *rows.kinds[1:]]

    shown = writer.lines.shown(
        AloneRows(kinds, *(getattr(rows, name) for name in AloneRows.__struct_fields__ if name != "kinds"))
    )

    assert shown.connection.tolist() == [1]


def test_in_a_capture_whose_name_looks_like_a_mark_nothing_is_shown(mesh) -> None:
    lo = Lo()
    call(lo)

    shown, calls, flows = Writer(mesh, capture="~.pcap").write(hear(lo.data))

    assert (len(shown), calls, flows) == (0, [], [])


def test_of_no_calls_nothing_is_written(mesh) -> None:
    shown, calls, flows = Writer(mesh).write(hear(Lo().data))

    assert (len(shown), calls, flows) == (0, [], [])


def test_the_records_are_those_of_the_exemplars_in_the_order_in_which_they_came(mesh) -> None:
    lo, writer = Lo(), Writer(mesh)
    for port, host in enumerate(("web", "web.shop", "web")):
        call(lo, get("/x", host), client=f"10.9.0.1:{port}")

    writer.write(hear(lo.data))

    assert [record.host for record in writer.lines.records] == ["web", "web.shop"]
