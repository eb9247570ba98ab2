"""A line that is filled in has the bytes of the line that its call would have by itself."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.report.json_text import CallText, quoted
from analyzer.report.line_pattern import OF_CALL, OF_CONNECTION, LinePattern, line_pattern
from analyzer.report.wording import format_time
from analyzer.verdict.answers import Answers
from analyzer.verdict.exemplars import Alike, Exemplar, Exemplars
from analyzer.verdict.record import CallRecord
from made.lo import Lo, get, hello, ok, server_hello
from made.lo_heard import hear

OPENING = '{"kind":"call",'
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


def own_values(record: CallRecord, alike: Alike, text: CallText) -> tuple[str, ...]:
    """What a record itself has for the holes."""
    path, phrase = text.path_texts(record.path) if record.path is not None else ('""', "")
    redirect, told = (alike.own.redirect, alike.own.told) if alike.own else (None, None)
    ((_, first, last),), (leg,) = record.packets, record.legs
    values = {
        "ip": record.client.ip, "port": record.client.port, "pod": quoted(record.pod)[1:-1],
        "who": text.phrase(f"{record.pod} "), "uid": record.uid, "community_id": record.community_id,
        "conn_state": record.conn_state, "history": record.history,
        "begin": leg.first_packet, "end": leg.last_packet, "path": path[1:-1], "phrase": phrase,
        "redirect": redirect and text.step_text(redirect), "told": told and text.step_text(told),
        "first": first, "last": last, "asked": record.before[0].packets[0].packet, "request": record.request,
        "first_ns": f'"time":"{format_time(record.first_ns)}","first_ns":{record.first_ns}', "last_ns": record.last_ns,
    }  # fmt: skip
    return tuple(str(values[name] or "") for name in (*OF_CONNECTION, *OF_CALL))


def pairs(lo: Lo, mesh, *, redact: bool) -> list[tuple[bytes | None, bytes]]:
    """For each call that is like another the line that its exemplar's pattern gives, and the one of its own record."""
    exemplars, text, found = Exemplars(mesh, Answers(mesh)), CallText(redact=redact), []
    for wire, conversation, records in hear(lo.data).judged(mesh):
        for alike, record in zip(exemplars.alike(wire, conversation) or (), records, strict=False):
            pattern = line_pattern(alike.exemplar, text, OPENING)
            line = text.write(record, OPENING).removeprefix(f'{OPENING}"id":"{record.id}')
            found.append((pattern and pattern.fill(own_values(record, alike, text)), f"{line}\n".encode()))
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
    assert [filled for filled, own in found if filled not in (None, own)] == []
    assert sum(filled is not None for filled, _ in found) > 8


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("method", METHODS)
def test_what_looks_like_a_mark_in_a_host_or_method_makes_no_other_line(mesh, redact, host, method) -> None:
    lo = Lo()
    for number, path in enumerate(("/", "/b?token=s3cret", "/~ip~")):
        call(lo, f"10.9.0.{number + 1}:40000", get(path, host, method=method))

    found = pairs(lo, mesh, redact=redact)

    assert [filled for filled, own in found if filled not in (None, own)] == []


@pytest.mark.parametrize("sni", ["web.shop", "~port~", "~sni~.example", "%s.example", "a~b"])
def test_lines_about_tls_are_exact(mesh, sni) -> None:
    lo = Lo()
    for number in range(3):
        call(lo, f"10.9.0.{number + 1}:40000", hello(sni, ("h2",)), "10.8.0.1:443", server_hello())

    found = pairs(lo, mesh, redact=True)

    assert found
    assert all(filled is None if "~" in sni else filled == own for filled, own in found)


def test_lines_about_opaque_connections_and_of_six_are_exact(mesh) -> None:
    lo = Lo()
    for number in (1, 2):
        call(lo, f"10.9.0.{number}:40000", b"PING\r\n", "10.8.0.1:6379", b"+PONG\r\n")
        call(lo, f"[fd00::{number}]:40000", get("/x", "wide.shop"), "[fd00::8]:80")

    found = pairs(lo, mesh, redact=True)

    assert len(found) == 4
    assert all(filled == own for filled, own in found)


def test_an_exemplar_whose_sentence_does_not_begin_with_its_client_has_no_pattern(mesh) -> None:
    lo = Lo()
    call(lo, "10.9.0.1:40000", get())
    ((_, _, (record,)),) = hear(lo.data).judged(mesh)
    text = CallText(redact=True)

    def pattern(record: CallRecord) -> LinePattern | None:
        return line_pattern(Exemplar(record, None), text, OPENING)

    assert pattern(record) is not None
    assert pattern(record_with(record, "somebody sent GET / ")) is None
    assert pattern(record_with(record, f"{record.pod} ({record.client}) sent something")) is None


def record_with(record: CallRecord, sentence: str) -> CallRecord:
    asked, *others = record.before
    return replace(record, before=(replace(asked, sentence=sentence), *others))
