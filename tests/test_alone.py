"""The lines of calls that are like others are those of a judge who looks at each by itself."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from analyzer.mesh.load import load_mesh
from analyzer.report.json_text import CallText
from analyzer.verdict.parting import kinds_of
from analyzer.verdict.record import CallRecord
from analyzer.verdict.rights import RightLog
from made.counted import counted, taken
from made.lo import ACK, FIN, PSH, START_US, SYN, Lo, calls_over_lo, get, hello, ok, server_hello
from made.lo_alone import Written, call_lines, connections_in, flow_line, write_alone, writer_of
from made.lo_busy import busy, damaged
from made.lo_heard import Heard, hear

CAPTURES = Path(__file__).resolve().parents[1] / "captures"
CLIENTS = ["10.9.0.1", "10.9.0.2", "10.9.0.3", "fd00::1", "fd00::2"]
WEB, CACHE = "10.8.0.1:80", "10.8.0.1:6379"
SERVERS = [
    (WEB, "http", "web"), (WEB, "http", "web.shop"), ("[fd00::8]:80", "http", "wide"),
    (WEB, "http", "a~b"), ("10.8.0.1:443", "tls", "web.shop"), (CACHE, "tcp", ""),
    ("1.2.3.4:80", "http", "out.example"),
]  # fmt: skip


@pytest.fixture
def mesh(town):
    """Two services, one of pods, and five clients; those of names alike but for an ending are of one workload."""
    town.pod("shop/a-7c9f8d6b5-x2x4z", "10.9.0.1").pod("shop/a-7c9f8d6b5-bbbbb", "10.9.0.2").pod("lab/c-0", "10.9.0.3")
    town.pod("shop/six-0", "fd00::1").pod("shop/six-1", "fd00::2").pod("shop/web-0").pod("shop/db-0", "10.9.5.5")
    town.service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443", "tcp:6379:6379"))
    town.service("shop/wide", "fd00::8", selector={"app": "web"}).service("shop/db", headless=True)
    return town.mesh()


def check(heard: Heard, mesh, written: Written, *, redact: bool) -> list[CallRecord]:
    """Hold every line against the judge's; gives the judge's records."""
    text, calls, flows, records = CallText(redact=redact), [], [], []
    for wire, conversation, own in heard.judged(mesh):
        if wire.connection.index in written.done:
            calls += call_lines(own, text)
            flows.append(flow_line(wire, conversation, own))
            records += own
    assert sorted(written.calls) == sorted(calls)
    assert sorted(written.flows) == sorted(flows)
    assert written.told.verdicts == Counter(record.decision.verdict for record in records)
    return records


def call(lo: Lo, asked: bytes = b"", *, client: str = "10.9.0.1:40000", server: str = WEB, answered: bytes = b""):
    return lo.talk(client, server).open().ask(asked or get()).answer(answered or ok()).close()


def done_of(lo: Lo, mesh) -> set[int]:
    """The connections that are told; their lines are held against the judge's."""
    heard = hear(lo.data)
    written = write_alone(writer_of(mesh), heard)
    check(heard, mesh, written, redact=True)
    return written.done


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_each_line_is_the_one_that_its_call_has_by_itself(mesh, seed, redact) -> None:
    heard = hear(busy(CLIENTS, SERVERS, seed=seed).data)

    records = check(heard, mesh, write_alone(writer_of(mesh, redact=redact), heard), redact=redact)

    assert {record.protocol for record in records} == {"http/1.1", "tls", "tcp"}
    assert len(records) > 25


@pytest.mark.parametrize("pods", sorted(CAPTURES.glob("*/pods")), ids=lambda pods: pods.parent.name)
def test_lines_of_recorded_calls_are_exact(pods) -> None:
    heard, mesh = hear(calls_over_lo(sorted(pods.glob("*.any.pcap")))), load_mesh([pods.parent / "mesh"])

    assert check(heard, mesh, write_alone(writer_of(mesh), heard), redact=True)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.01, 0.05])
def test_lines_of_damaged_captures_are_exact(mesh, seed, share) -> None:
    heard = hear(damaged(busy(CLIENTS, SERVERS, seed=seed).data, random.Random(seed), share))

    assert check(heard, mesh, write_alone(writer_of(mesh), heard), redact=True)


def test_what_is_known_of_earlier_lots_changes_no_line(mesh) -> None:
    writer = writer_of(mesh)

    for seed in range(5):
        heard = hear(busy(CLIENTS, SERVERS, seed=seed, connections=40).data)
        written = write_alone(writer, heard)
        assert check(heard, mesh, written, redact=True)
        assert written.calls == write_alone(writer_of(mesh), heard).calls


def test_a_connection_has_the_worst_verdict_of_its_calls_and_all_of_them(mesh) -> None:
    lo = Lo()
    talk = lo.talk("10.9.0.1:40000", WEB).open()
    for host in ("web", "db", "web"):
        talk.ask(get(host=host)).answer(ok())
    talk.close()
    heard = hear(lo.data)

    written = write_alone(writer_of(mesh), heard)

    assert {record.decision.verdict for record in check(heard, mesh, written, redact=True)} == {
        "service-matched", "headless-matched",
    }  # fmt: skip
    assert written.told.verdicts == {"service-matched": 2, "headless-matched": 1}


@pytest.mark.parametrize(
    "asked",
    [
        get("/~port~"), get("/\xe9\xff"), get('/"\\'), get("/?token=s3cret"), get("/" + "x" * 9000), get("*"),
        get("http://web/abs?key=v"), get("/" + "\xe9" * 4000), get(method="M-SEARCH"), get("/%e2%82%ac"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("redact", [True, False])
def test_whatever_is_asked_for_lines_are_exact(mesh, asked, redact) -> None:
    lo = Lo()
    for number, each in enumerate((get("/"), asked, asked, get("/~path~"))):
        call(lo, each, client=f"10.9.0.{number % 3 + 1}:{40_000 + number}")
    heard = hear(lo.data)

    written = write_alone(writer_of(mesh, redact=redact), heard)

    assert len(check(heard, mesh, written, redact=redact)) >= 2


@pytest.mark.parametrize("host", ["~port~", "~", "%s", "~path~.~path~", "web:80", "me:s3cret@web", "w" * 300])
@pytest.mark.parametrize("redact", [True, False])
def test_whatever_looks_like_a_mark_in_a_host_lines_are_exact(mesh, host, redact) -> None:
    lo = Lo()
    for number, path in enumerate(("/", "/b?token=s3cret", "/~ip~")):
        call(lo, get(path, host), client=f"10.9.0.{number + 1}:40000")
        call(lo, get(path, "web"), client=f"10.9.0.{number + 1}:40001")
    heard = hear(lo.data)

    assert len(check(heard, mesh, write_alone(writer_of(mesh, redact=redact), heard), redact=redact)) >= 2


def test_protocols_are_told_as_the_judge_tells_them(mesh) -> None:
    lo = Lo()
    upgrade = get(connection="upgrade", upgrade="websocket", sec_websocket_key="AAAAAAAAAAAAAAAAAAAAAA==")
    switched = b"HTTP/1.1 101 Switching Protocols\r\nserver: envoy\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    call(lo, get().replace(b"1.1", b"1.0"), client="10.9.0.1:1")
    call(lo, upgrade, client="10.9.0.1:2", answered=switched)
    call(lo, hello("web", ("h2",)), client="10.9.0.1:3", server="10.8.0.1:443", answered=server_hello())
    call(lo, b"PING\r\n", client="10.9.0.1:4", server=CACHE, answered=b"+PONG\r\n")
    call(lo, b"\x00\x00", client="10.9.0.1:5", server=CACHE, answered=b"\xff")

    assert {2, 3, 4} <= done_of(lo, mesh)


# What iptables do with what a client sends.


ANNOTATED = {
    "10.7.0.1": {},
    "10.7.0.2": {"excludeOutboundPorts": "81,443"},
    "10.7.0.3": {"excludeOutboundIPRanges": "10.8.0.2/32"},
    "10.7.0.4": {"includeOutboundIPRanges": "10.8.0.0/24"},
    "10.7.0.5": {"includeOutboundIPRanges": "", "includeOutboundPorts": "80"},
    "10.7.0.6": {"includeOutboundPorts": "81"},
    "10.7.0.7": {"excludeInterfaces": "eth0"},
}
OTHERS = [
    (f"{address}:{port}", kind, host)
    for address in ("10.8.0.1", "10.8.0.2", "10.7.0.1", "10.7.0.9")
    for port, kind in ((80, "http"), (81, "http"), (443, "tls"), (53, "tcp"))
    for host in ("web", "api.shop", "db")
]  # fmt: skip


@pytest.fixture
def annotated(town):
    """Clients of each of which iptables do something else, with two services that they call by several ports."""
    for number, (ip, told) in enumerate(ANNOTATED.items()):
        annotations = {f"traffic.sidecar.istio.io/{name}": text for name, text in told.items()}
        town.pod(f"{('shop', 'lab')[number % 2]}/c{number}-0", ip, annotations=annotations)
    for number, name in enumerate(("web", "api")):
        ports = ("http:80:8080", "http-more:81:8081", "tls:443:8443", "tcp:53:5353")
        town.pod(f"shop/{name}-0").service(f"shop/{name}", f"10.8.0.{number + 1}", ports)
    return town.pod("shop/db-0", "10.7.0.9").service("shop/db", ports=("http:80:80",), headless=True)


@pytest.mark.parametrize("dns", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_lines_are_exact_whatever_iptables_do_with_what_a_client_sends(annotated, seed, dns) -> None:
    if dns:
        annotated.settings(defaultConfig={"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}})
    mesh = annotated.mesh()
    heard = hear(busy(list(ANNOTATED), OTHERS, seed=seed, connections=400).data)

    records = check(heard, mesh, write_alone(writer_of(mesh), heard), redact=True)

    assert len({(record.client.ip, record.server) for record in records}) > 20


@pytest.mark.parametrize("clients", [(1, 5, 1, 5), (5, 1, 5, 1), (1, 4, 1, 4), (4, 1, 4, 1)])
def test_a_usual_client_has_exact_lines_though_iptables_say_more_of_the_first_of_its_class(annotated, clients) -> None:
    mesh, lo = annotated.mesh(), Lo()
    for port, client in enumerate(clients):
        call(lo, get(host="web.shop"), client=f"10.7.0.{client}:{port}")

    assert done_of(lo, mesh) == {0, 1, 2, 3}


def test_a_client_that_calls_several_servers_is_told_of_each(mesh) -> None:
    lo = Lo()
    for turn in range(2):
        for number, server in enumerate((WEB, "10.8.0.1:443", CACHE)):
            asked, answered = [(get(), ok()), (hello("web.shop"), server_hello()), (b"PING\r\n", b"+PONG\r\n")][number]
            for client in (1, 2, 3):
                port = 1000 * turn + 100 * number + client
                call(lo, asked, client=f"10.9.0.{client}:{port}", server=server, answered=answered)

    assert len(done_of(lo, mesh)) > 12


def test_a_pod_of_two_families_is_told_of_by_either_address(town) -> None:
    town.pod("shop/a-0", "10.9.0.1").pod("shop/web-0").service("shop/web", "10.8.0.1")
    town.documents[0]["status"]["podIPs"].append({"ip": "fd00::1"})
    mesh = town.service("shop/wide", "fd00::8", selector={"app": "web"}).mesh()
    lo = Lo()
    for port in (1, 2):
        call(lo, client=f"10.9.0.1:{port}")
        call(lo, get(host="wide"), client=f"[fd00::1]:{port}", server="[fd00::8]:80")

    assert {0, 2} <= done_of(lo, mesh)


def test_calls_are_counted_by_who_calls_what_as_the_judge_counts_them(mesh) -> None:
    rights = RightLog()
    heard = hear(busy(CLIENTS, SERVERS).data)

    records = check(heard, mesh, write_alone(writer_of(mesh, rights=rights), heard), redact=True)

    assert taken(rights) == counted(kinds_of(records)) != {}


def test_calls_of_all_lots_are_counted_together(mesh) -> None:
    rights = RightLog()
    writer, heard = writer_of(mesh, rights=rights), hear(busy(CLIENTS, SERVERS).data)
    write_alone(writer, heard)
    once = taken(rights)

    for _ in range(2):
        write_alone(writer, heard)

    assert taken(rights) == {key: (2 * count, *moments) for key, (count, *moments) in once.items()} != {}


def test_the_records_are_those_of_the_calls_that_came_first(mesh) -> None:
    lo, writer = Lo(), writer_of(mesh)
    for number, host in enumerate(("web", "web", "web.shop", "web")):
        call(lo, get("/x", host), client=f"10.9.0.1:{40_000 + number}")

    write_alone(writer, hear(lo.data))

    assert {(record.host, record.client.port) for record in writer.records} == {("web", 40_000), ("web.shop", 40_002)}


def test_plain_connections_are_not_read_one_by_one_but_for_the_first_of_a_kind(mesh) -> None:
    lo = Lo()
    for port in range(1, 9):
        call(lo, get(f"/orders/{port}"), client=f"10.9.0.1:{port}")
    heard, asked = hear(lo.data), []
    connections = connections_in(heard)
    made = connections.at

    def at(indices):
        asked.extend(indices)
        return made(indices)

    connections.at = at
    written = write_alone(writer_of(mesh), heard, connections)

    assert written.done == set(range(8))
    assert set(asked) == {0}


def test_connections_that_were_read_by_themselves_are_there_whether_they_are_done_or_not(mesh) -> None:
    lo = Lo()
    call(lo, client="10.9.0.1:1")
    call(lo, client="10.9.0.1:2", answered=ok().replace(b"content-length: 2\r\n", b""))
    call(lo, client="10.9.7.7:3")
    heard = hear(lo.data)

    told = write_alone(writer_of(mesh), heard).told

    assert told.done.tolist() == [True, True, False]
    assert {index: wire.connection.index for index, (wire, _) in told.heard.items()} == {1: 1, 2: 2}
    assert {index: said for index, (_, said) in told.heard.items()} == {n: heard.spoken[n][1] for n in (1, 2)}


# What is left to the whole judge.


def test_a_wire_of_which_one_call_has_no_pattern_is_given_back(mesh) -> None:
    lo, rights = Lo(), RightLog()
    talk = lo.talk("10.9.0.1:40000", WEB).open()
    for host in ("web", "~port~"):
        talk.ask(get("/x", host)).answer(ok())
    talk.close()

    written = write_alone(writer_of(mesh, rights=rights), hear(lo.data))

    assert (written.done, written.calls, written.flows) == (set(), [], [])
    assert (taken(rights), written.told.verdicts) == ({}, {})


def test_a_connection_of_which_one_call_is_worth_a_look_is_given_back(mesh) -> None:
    lo = Lo()
    lo.talk("10.9.0.1:40000", WEB).open().ask(get()).answer(ok()).ask(get()).answer(ok(passed_on=False)).close()
    call(lo, client="10.9.0.1:40001")

    assert done_of(lo, mesh) == {1}


def test_a_clients_port_that_was_used_twice_is_given_back_whatever_its_servers_were(mesh) -> None:
    lo = Lo()
    for turn, (client, server) in enumerate([("10.9.0.1:1", WEB), ("10.9.0.2:1", WEB), ("10.9.0.1:1", CACHE)]):
        talk = lo.talk(client, server)
        talk.next = {True: 1000 + 100_000 * turn, False: 5000 + 100_000 * turn}
        talk.open().ask(get()).answer(ok()).close()
        lo.wait(60)

    assert done_of(lo, mesh) == {1}


def test_who_may_be_a_server_as_well_is_given_back(mesh) -> None:
    """Where ports alone tell who is who, the other end may be the client of another connection."""
    lo = Lo()
    call(lo, client="10.9.0.1:50000")
    lo.talk("10.9.0.3:51000", "10.9.0.1:50000", redirect=0).ask(get()).answer(ok())
    call(lo, client="10.9.0.2:50000")

    assert done_of(lo, mesh) == {2}


@pytest.mark.parametrize(
    "make",
    [
        lambda lo: lo.talk("10.9.0.1:1", WEB, redirect=0).open().ask(get()).answer(ok()).close(),
        lambda lo: lo.talk("10.9.0.1:1", WEB, redirect=15006).open().ask(get()).answer(ok()).close(),
        lambda lo: lo.talk("10.9.0.1:1", WEB).send(True, SYN),
        lambda lo: lo.talk("10.9.0.1:1", WEB).open().close(),
        lambda lo: lo.talk("10.9.0.1:1", CACHE).ask(b"x").answer(b"y").close(),
        lambda lo: lo.talk("10.9.0.1:1", "1.2.3.4:80").open().ask(get(host="x.example")).answer(ok()).close(),
        lambda lo: lo.talk("10.9.7.7:1", WEB).open().ask(get()).answer(ok()).close(),
    ],
)
def test_what_a_person_may_have_to_look_at_is_given_back(mesh, make) -> None:
    lo = Lo()
    make(lo)
    call(lo, client="10.9.0.2:40000")

    assert done_of(lo, mesh) == {1}


@pytest.mark.parametrize("early", range(8))
def test_a_clock_that_was_set_changes_no_line_but_its_own(mesh, early) -> None:
    lo = Lo()
    for port in (1, 2, 3):
        talk = lo.talk(f"10.9.0.1:{port}", WEB)
        steps = [(True, SYN), (False, SYN | ACK), (True, ACK), (True, PSH | ACK, get()), (False, PSH | ACK, ok()),
                 (True, FIN | ACK), (False, FIN | ACK), (True, ACK)]  # fmt: skip
        for number, step in enumerate(steps):
            lo.late_us = -START_US if number == early and port == 2 else 0
            talk.send(*step)

    assert done_of(lo, mesh) == {0, 1, 2}


def test_nothing_is_told_of_a_capture_whose_name_looks_like_a_mark(mesh) -> None:
    lo = Lo()
    call(lo)

    written = write_alone(writer_of(mesh, capture="~uid~.pcap"), hear(lo.data))

    assert (written.done, written.calls, written.flows) == (set(), [], [])


def test_of_nothing_nothing_is_told(mesh) -> None:
    written = write_alone(writer_of(mesh), hear(Lo().data))

    assert (written.told.done.tolist(), written.calls, written.flows) == ([], [], [])
