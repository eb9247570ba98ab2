"""A line that is filled in has the bytes of the line that its call would have by itself."""

from __future__ import annotations

from itertools import chain

import pytest

from analyzer.base.fact import replace
from analyzer.flow.connection import Endpoint
from analyzer.report.json_text import CallText, flow_text, quoted
from analyzer.report.line_pattern import (
    CALL_NUMBERS,
    CALL_TEXTS,
    FLOW_NUMBERS,
    FLOW_TEXTS,
    around_server,
    call_pattern,
    flow_pattern,
)
from analyzer.report.line_sheet import NUMBERED, LinePattern
from analyzer.report.record_form import LINES
from analyzer.report.wording import format_time
from analyzer.verdict.answers import Answers
from analyzer.verdict.exemplars import Alike, Exemplar, Exemplars
from analyzer.verdict.flows import flow_records, verdicts_by_uid
from analyzer.verdict.record import CallRecord
from made.lo import Lo, get, hello, ok, server_hello
from made.lo_heard import NAME, hear

PATHS = [
    "/", "/a", "/~", "/~path~", "/%7e%s%(ip)s", '/a"b', "/a\\b", "/\xe9\xff", "/?token=s3cret&a=1", "/%?password=x y",
    "*", "sent", "GET", "with", "/a/../b", "//x", "http://web/abs?key=v", "/(10.9.0.1:40000)", "/with Host web", "/{}",
]  # fmt: skip
HOSTS = ["web", "web.shop", "~port~", "~", "%s", "%(ip)s", "~path~.~path~", "web:80", "me:s3cret@web", "w" * 300]
METHODS = ["GET", "POST", "~port~", "~", "%s", "M-SEARCH"]


@pytest.fixture
def mesh(town):
    """Four clients in two families, and a service in each."""
    for number in (1, 2, 3):
        town.pod(f"shop/a-{number}", f"10.9.0.{number}")
    town.pod("shop/a~b-0", "10.9.0.4").pod("lab/six-0", "fd00::1").pod("lab/six-1", "fd00::2").pod("shop/web-0")
    town.service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443", "tcp:6379:6379"))
    town.service("shop/wide", "fd00::8", selector={"app": "web"})
    return town.mesh()


def own_values(record: CallRecord, alike: Alike, text: CallText) -> dict[str, object]:
    """What a record itself has for the holes."""
    path, phrase = text.path_texts(record.path) if record.path is not None else ('""', "")
    own = alike.asker.own
    ((_, first, last),), (leg,) = record.packets, record.legs
    return {
        "number": record.id, "ip": record.client.ip, "port": record.client.port, "pod": quoted(record.pod)[1:-1],
        "who": text.phrase(f"{record.pod} "), "uid": record.uid, "community_id": record.community_id,
        "conn_state": record.conn_state, "history": record.history,
        "begin": leg.first_packet, "end": leg.last_packet, "path": path[1:-1], "phrase": phrase,
        "redirect": text.step_text(own.redirect) if own else "", "told": text.step_text(own.told) if own else "",
        "first": first, "last": last, "asked": record.before[0].packets[0].packet, "request": record.request,
        "time": format_time(record.first_ns)[:-1], "first_ns": record.first_ns, "last_ns": record.last_ns,
    }  # fmt: skip


def filled(pattern: LinePattern, values: dict[str, object]) -> bytes:
    """The line of a pattern with these values."""
    holes = [str(values[hole]) for hole in pattern.holes]
    return "".join(chain.from_iterable(zip(pattern.literals, [*holes, ""], strict=True))).encode()


def pairs(lo: Lo, mesh, *, redact: bool) -> list[tuple[bytes | None, bytes]]:
    """For each call that is like another the line that its exemplar's pattern gives, and the one of its own record."""
    exemplars, text, found = Exemplars(mesh, Answers(mesh)), CallText(redact=redact), []
    for wire, conversation, records in hear(lo.data).judged(mesh):
        for alike, record in zip(exemplars.alike(wire, conversation) or (), records, strict=False):
            pattern = call_pattern(alike.exemplar, text)
            line = text.write(record, LINES.opening("call"))
            found.append((pattern and filled(pattern, own_values(record, alike, text)), f"{line}\n".encode()))
    return found


def call(lo: Lo, client: str, asked: bytes, server: str = "10.8.0.1:80", answered: bytes = b"") -> None:
    lo.talk(client, server).open().ask(asked).answer(answered or ok()).close()


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("first", range(len(PATHS)))
def test_whatever_the_first_path_is_lines_with_all_others_are_exact(mesh, redact, first) -> None:
    lo = Lo()
    for number, path in enumerate(PATHS[first:] + PATHS[:first]):
        call(lo, f"10.9.0.{number % 4 + 1}:{40_000 + number}", get(path))

    found = pairs(lo, mesh, redact=redact)

    assert len(found) > 12
    assert [line for line, own in found if line not in (None, own)] == []
    assert sum(line is not None for line, _ in found) > 8


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("method", METHODS)
def test_what_looks_like_a_mark_in_a_host_or_method_makes_no_other_line(mesh, redact, host, method) -> None:
    lo = Lo()
    for number, path in enumerate(("/", "/b?token=s3cret", "/~ip~")):
        call(lo, f"10.9.0.{number + 1}:40000", get(path, host, method=method))

    found = pairs(lo, mesh, redact=redact)

    assert [line for line, own in found if line not in (None, own)] == []


@pytest.mark.parametrize("sni", ["web.shop", "~port~", "~sni~.example", "%s.example", "a~b"])
def test_lines_about_tls_are_exact(mesh, sni) -> None:
    lo = Lo()
    for number in range(3):
        call(lo, f"10.9.0.{number + 1}:40000", hello(sni, ("h2",)), "10.8.0.1:443", server_hello())

    found = pairs(lo, mesh, redact=True)

    assert found
    assert all(line is None if "~" in sni else line == own for line, own in found)


def test_lines_about_opaque_connections_and_of_six_are_exact(mesh) -> None:
    lo = Lo()
    for number in (1, 2):
        call(lo, f"10.9.0.{number}:40000", b"PING\r\n", "10.8.0.1:6379", b"+PONG\r\n")
        call(lo, f"[fd00::{number}]:40000", get("/x", "wide.shop"), "[fd00::8]:80")

    found = pairs(lo, mesh, redact=True)

    assert len(found) == 4
    assert all(line == own for line, own in found)


def test_an_exemplar_whose_sentence_does_not_begin_with_its_client_has_no_pattern(mesh) -> None:
    lo = Lo()
    call(lo, "10.9.0.1:40000", get())
    ((_, _, (record,)),) = hear(lo.data).judged(mesh)
    text = CallText(redact=True)

    def pattern(record: CallRecord) -> LinePattern | None:
        return call_pattern(Exemplar(record, None), text)

    assert pattern(record) is not None
    assert pattern(record_with(record, "somebody sent GET / ")) is None
    assert pattern(record_with(record, f"{record.pod} ({record.client}) sent something")) is None


def record_with(record: CallRecord, sentence: str) -> CallRecord:
    asked, *others = record.before
    return replace(record, before=(replace(asked, sentence=sentence), *others))


def test_the_holes_of_a_call_are_those_that_are_named_and_no_other_call_has_more(mesh) -> None:
    lo, text, holes = Lo(), CallText(redact=True), set()
    call(lo, "10.9.0.1:1", get())
    call(lo, "10.9.0.1:2", b"PING\r\n", "10.8.0.1:6379", b"+PONG\r\n")
    exemplars = Exemplars(mesh, Answers(mesh))
    for wire, conversation in hear(lo.data).spoken:
        (alike,) = exemplars.alike(wire, conversation)
        pattern = call_pattern(alike.exemplar, text)
        assert len(pattern.literals) == len(pattern.holes) + 1
        holes.update(pattern.holes)

    assert holes == {NUMBERED, *CALL_TEXTS, *CALL_NUMBERS}


# Servers that are told in front of a client's own step.


@pytest.mark.parametrize("server", ["10.8.0.1:80", "10.8.0.1:6379", "[fd00::8]:80"])
def test_a_line_in_which_the_server_is_told_apart_from_the_step_is_exact(mesh, server) -> None:
    lo, text = Lo(), CallText(redact=True)
    clients = ("[fd00::1]", "[fd00::2]") if "[" in server else ("10.9.0.1", "10.9.0.2")
    for client in clients:
        call(lo, f"{client}:40000", get("/x", "wide.shop" if "[" in server else "web.shop"), server)
    exemplars = Exemplars(mesh, Answers(mesh))
    heard = list(hear(lo.data).judged(mesh))
    ((first,), *_) = (exemplars.alike(wire, conversation) for wire, conversation, _ in heard)

    server_of_first = first.exemplar.record.server
    begin, _ = around_server(text.step_text(first.asker.own.redirect), server_of_first)
    pattern = call_pattern(first.exemplar, text, before_server=begin)

    for wire, conversation, (record,) in heard:
        (alike,) = exemplars.alike(wire, conversation)
        values = own_values(record, alike, text)
        _, values["redirect"] = around_server(values["redirect"], record.server)
        assert filled(pattern, values) == f"{text.write(record, LINES.opening('call'))}\n".encode()


def test_a_step_is_parted_at_the_server_that_it_names() -> None:
    server = Endpoint("fd00::8", 80)

    assert around_server("hands fd00::8:80 to fd00::8:80", server) == ("hands ", " to fd00::8:80")
    assert around_server("fd00::8:80", server) == ("", "")
    assert around_server("includes outbound port 80", server) == ("", "includes outbound port 80")


# Flows.


@pytest.mark.parametrize("name", [NAME, "dir/any capture%s.pcapng", 'a"b\\c', "\xe9\u20ac.pcap", "{}"])
def test_lines_about_flows_are_exact(mesh, name) -> None:
    lo = Lo()
    call(lo, "10.9.0.1:40000", get())
    lo.talk("10.9.0.2:40001", "10.8.0.1:80").open()
    call(lo, "[fd00::1]:40002", get("/x", "wide.shop"), "[fd00::8]:80")
    pattern = flow_pattern(name)

    for wire, conversation, records in hear(lo.data).judged(mesh):
        (flow,) = flow_records([wire], [conversation.protocol], verdicts_by_uid(records))
        flow = replace(flow, capture=name, verdict=flow.verdict or "dropped")
        values = {field: getattr(flow, field, None) for field in (*FLOW_TEXTS, *FLOW_NUMBERS)}
        values |= {"client_ip": flow.client.ip, "client_port": flow.client.port}
        values |= {"server_ip": flow.server.ip, "server_port": flow.server.port}
        assert filled(pattern, values) == f"{LINES.opening('flow')}{flow_text(flow)[1:]}\n".encode()


@pytest.mark.parametrize("name", ["~", "a~b.pcap", "~uid~", "~~"])
def test_a_capture_whose_name_looks_like_a_mark_has_no_pattern_of_flows(name) -> None:
    assert flow_pattern(name) is None
