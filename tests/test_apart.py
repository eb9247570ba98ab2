"""A capture whose calls meet no others has the bytes of a plain run, however its connections are parted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzer.apart import _lots as lots_of
from analyzer.apart import shares_by_server
from analyzer.base.fact import replace
from analyzer.base.watch import Watch
from analyzer.capture.reader import read_capture
from analyzer.flow.facts import end_table
from analyzer.flow.traffic import read_traffic
from analyzer.mesh.load import load_mesh
from analyzer.opening import read_packets
from analyzer.report.as_json import render_json
from analyzer.report.record_form import DOCUMENT
from made.lo import Lo, calls_over_lo, get, hello, ok, server_hello
from made.lo_busy import busy
from made.lo_runs import apart, lines_of, plain_lines, plain_run, read_bytes

SHOP = Path(__file__).resolve().parents[1] / "captures" / "shop-default"
CLIENTS = ["10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.1.1", "fd00::9", "10.9.9.9"]
SERVERS = [
    ("10.8.0.1:80", "http", "web"), ("10.8.0.1:80", "http", "web.shop"), ("10.8.0.2:80", "http", "api.shop:80"),
    ("[fd00::8]:80", "http", "six"), ("10.8.0.1:443", "tls", "web.shop"), ("10.8.0.2:443", "tls", "~port~"),
    ("10.8.0.3:6379", "tcp", ""), ("1.2.3.4:80", "http", "out.example"), ("1.2.3.4:443", "tls", "out.example"),
    ("10.8.0.1:80", "http", "~path~%s%(ip)s"),
]  # fmt: skip


@pytest.fixture
def mesh(town):
    """Services web, api, cache and six; a route by path, one by header; a namespace whose egress is narrow."""
    for number, name in enumerate(("shop/a-0", "shop/b-0", "shop/c-0", "lab/d-0"), 1):
        town.pod(name, f"10.9.{number // 4}.{number % 4 or 1}")
    town.pod("lab/e-0", "fd00::9").pod("shop/web-0").pod("shop/api-0").pod("shop/cache-0").pod("lab/six-0")
    town.service("shop/web", "10.8.0.1", ("http:80:8080", "tls:443:8443"))
    town.service("shop/api", "10.8.0.2", ("http:80:8080", "https:443:8443"))
    town.service("shop/cache", "10.8.0.3", ("tcp:6379:6379",)).service("lab/six", "fd00::8")
    to = [{"destination": {"host": "web"}}]
    town.rule(
        "VirtualService", "shop/web", hosts=["web"],
        http=[
            {"match": [{"uri": {"prefix": "/orders/"}}], "route": to},
            {"match": [{"uri": {"exact": "/a"}}], "fault": {"abort": {"httpStatus": 503, "percentage": {"value": 100}}},
             "route": to},
            {"match": [{"headers": {"x-beta": {"exact": "1"}}}], "route": to},
            {"match": [{"uri": {"prefix": "/"}}], "route": to},
        ],
    )  # fmt: skip
    return town.mesh()


# The same bytes.


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("with_mesh", [True, False])
def test_however_many_judge_it_a_recording_has_the_same_bytes(jobs, with_mesh) -> None:
    mesh = load_mesh([SHOP / "mesh"]) if with_mesh else None
    read = read_bytes(calls_over_lo(sorted((SHOP / "pods").glob("*.any.pcap"))))

    assert lines_of(apart(read, mesh, jobs=jobs)) == plain_lines(read, mesh)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("redact", [True, False])
def test_many_calls_that_are_alike_have_the_bytes_of_a_plain_run(mesh, seed, redact) -> None:
    read = read_bytes(busy(CLIENTS, SERVERS, seed=seed).data)

    for lot in (2, 1000):
        assert lines_of(apart(read, mesh, redact=redact, lot=lot), redact=redact) == plain_lines(
            read, mesh, redact=redact
        )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("redact", [True, False])
def test_many_calls_that_are_alike_are_the_document_of_a_plain_run(mesh, seed, redact) -> None:
    read = read_bytes(busy(CLIENTS, SERVERS, seed=seed).data)
    plain = plain_run(read, mesh)

    run = apart(read, mesh, redact=redact, form=DOCUMENT)

    assert run is not None
    assert b"".join(run.document(redact=redact)) == b"".join(render_json(plain, redact=redact))


@pytest.mark.parametrize("jobs", [2, 3])
def test_workers_change_no_byte_of_many_calls(mesh, jobs) -> None:
    read = read_bytes(busy(CLIENTS, SERVERS, seed=9).data)

    assert lines_of(apart(read, mesh, jobs=jobs)) == plain_lines(read, mesh)


def test_a_clients_port_that_was_used_twice_changes_no_byte(mesh) -> None:
    lo = Lo()
    for turn in range(6):
        talk = lo.talk(f"10.9.0.1:{40_000 + turn % 2}", "10.8.0.1:80")
        talk.next = {True: 1000 + 100_000 * turn, False: 5000 + 100_000 * turn}
        talk.open().ask(get(f"/{turn}")).answer(ok()).close()
    read = read_bytes(lo.data)

    assert lines_of(apart(read, mesh, lot=1)) == plain_lines(read, mesh)


@pytest.mark.parametrize("seconds", [0, 5, 60])
@pytest.mark.parametrize("stamp", [None, 7])
def test_connections_that_begin_with_one_packet_are_one_however_far_apart_they_are(mesh, seconds, stamp) -> None:
    lo = Lo()
    for port in (80, 81):
        inside = lo.talk("127.0.0.1:40000", f"127.0.0.1:{port}", redirect=0, stamp=stamp)
        inside.open().ask(get()).answer(ok()).close()
        lo.talk(f"10.9.0.1:{30_000 + len(lo.records)}", "10.8.0.1:80").open().ask(get()).answer(ok()).close()
        lo.wait(seconds)
    read = read_bytes(lo.data)

    assert lines_of(apart(read, mesh, lot=1)) == plain_lines(read, mesh)


def test_a_capture_with_more_connections_than_are_kept_leaves_out_the_same(mesh) -> None:
    read = read_bytes(busy(CLIENTS, SERVERS, seed=2).data)
    limited = replace(read, traffic=read_traffic(read.packets, read.capture.records, most=9))

    assert limited.traffic.oddities
    assert lines_of(apart(limited, mesh)) == plain_lines(limited, mesh)


# What is chosen, and told.


def test_calls_that_do_not_count_keep_their_numbers(mesh) -> None:
    def to_web(call) -> bool:
        return call.host == "web"

    read = read_bytes(busy(CLIENTS, SERVERS, seed=4).data)

    assert lines_of(apart(read, mesh, keep=to_web)) == plain_lines(read, mesh, where=to_web)


def test_what_is_watched_for_is_told_of_calls_that_are_alike_too(mesh) -> None:
    watched = {
        "matched": lambda call: call.decision.verdict == "service-matched",
        "passthrough": lambda call: call.decision.verdict == "passthrough",
        "never": lambda _: False,
    }

    run = apart(read_bytes(busy(CLIENTS, SERVERS).data), mesh, watched=watched)

    assert run is not None
    assert run.met == {"matched", "passthrough"}


def test_how_far_it_is_is_told_once_and_never_backwards(mesh) -> None:
    told: list[float] = []
    watch = Watch(lambda _, done, __: told.append(done), 1000)

    apart(read_bytes(busy(CLIENTS, SERVERS).data), mesh, watch=watch)

    assert told == sorted(told)
    assert 0 < told[-1] <= 1


def test_who_asks_for_the_end_gets_what_is_known(mesh) -> None:
    run = apart(read_bytes(busy(CLIENTS, SERVERS).data), mesh, watch=Watch(stop=lambda: 1))

    assert run is not None
    assert run.verdicts == {}
    assert run.analysis.captures[0].records > 0


# What is judged together.


def test_a_capture_of_all_interfaces_is_not_parted() -> None:
    path = SHOP / "pods" / "shop_sleep-0.any.pcap"

    assert apart(read_packets(read_capture(path, name=path.name)), None) is None


def test_a_capture_with_more_repeats_than_are_compared_is_not_parted(mesh) -> None:
    lo = Lo()
    for number in range(4):
        talk = lo.talk(f"10.9.0.1:{40_000 + number}", "10.8.0.1:80").open().ask(get())
        talk.ask(get(), back=len(get())).answer(ok()).close()
    read = read_bytes(lo.data)

    assert apart(read, mesh, lot=2, most_compared=3) is None
    assert lines_of(apart(read, mesh, lot=2, most_compared=8)) == plain_lines(read, mesh)


def test_where_sidecars_deliver_to_localhost_nothing_is_parted(town) -> None:
    mesh = town.settings(inboundTrafficPolicy={"mode": "LOCALHOST"}).mesh()

    assert apart(read_bytes(busy(CLIENTS, SERVERS).data), mesh) is None


def test_a_capture_with_keys_is_not_parted(tmp_path, with_secrets) -> None:
    lo = Lo()
    lo.talk("10.9.0.1:40000", "10.8.0.1:443").open().ask(hello("web")).answer(server_hello()).close()
    path = with_secrets(lo.write(tmp_path / "lo.pcap"), b"CLIENT_RANDOM 00 00\n")

    assert apart(read_packets(read_capture(path, name=path.name)), None) is None


def test_an_empty_capture_is_not_parted() -> None:
    assert apart(read_bytes(Lo().data), None) is None


@pytest.mark.parametrize("redirect", [0, 15006])
def test_a_connection_that_may_carry_a_call_onwards_keeps_all_together(redirect) -> None:
    lo = busy(CLIENTS, SERVERS, connections=5)
    lo.talk("10.9.0.1:50000", "10.8.0.1:80", redirect=redirect).open().ask(get()).answer(ok()).close()

    assert apart(read_bytes(lo.data), None) is None


# How it is parted.


def asked(*calls: tuple[str, str], seconds: int = 0) -> Lo:
    """Connections one after the other, by their clients and servers, so many seconds apart."""
    lo = Lo()
    for number, (client, server) in enumerate(calls):
        talk = lo.talk(client, server)
        talk.next = {True: 1000 + 100_000 * number, False: 5000 + 100_000 * number}
        talk.open().ask(get()).answer(ok()).close()
        lo.wait(seconds)
    return lo


def shares(lo: Lo, jobs: int) -> list[int]:
    return shares_by_server(end_table(read_bytes(lo.data).traffic), jobs).tolist()


def lots(lo: Lo, *, jobs: int, most: int) -> list[list[int]]:
    """The connections of each lot."""
    traffic = read_bytes(lo.data).traffic
    return [lot.tolist() for lot in lots_of(end_table(traffic), traffic, jobs, most)]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_a_server_is_for_one_process_where_all_can_have_as_many(jobs) -> None:
    servers = [f"10.0.0.{number * 7 % 6}:80" for number in range(12)]

    found = shares(asked(*((f"10.1.0.1:{port}", server) for port, server in enumerate(servers))), jobs)

    assert np.bincount(found).tolist() == [12 // jobs] * jobs
    assert len(set(zip(servers, found, strict=True))) == 6


def test_all_processes_share_the_calls_of_one_server() -> None:
    assert shares(asked(*((f"10.1.0.1:{port}", "10.0.0.1:80") for port in range(5))), 2) == [0, 0, 0, 1, 1]


def test_processes_have_as_many_however_uneven_servers_are() -> None:
    servers = ["10.0.0.1:80"] * 7 + ["10.0.0.2:80", "10.0.0.1:81", "[fd00::1]:80"]
    clients = [f"{'[fd00::2]' if '[' in server else '10.1.0.1'}:{port}" for port, server in enumerate(servers)]

    found = shares(asked(*zip(clients, servers, strict=True)), 2)

    assert np.bincount(found).tolist() == [5, 5]
    assert found[7:] == [1, 1, 1]


def test_lots_follow_each_other_by_process_and_in_each_by_time() -> None:
    servers = ["10.0.0.1:80", "10.0.0.2:80"] * 4

    found = lots(asked(*((f"10.1.0.1:{port}", server) for port, server in enumerate(servers))), jobs=2, most=2)

    assert found == [[0, 2], [4, 6], [1, 3], [5, 7]]


@pytest.mark.parametrize("jobs", [1, 2, 3, 7])
@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_each_connection_is_in_one_lot_of_no_more_than_a_lot_may_have(jobs, most) -> None:
    calls = [(f"10.1.0.1:{port}", f"10.0.0.{port * port % 5}:80") for port in range(11)]

    found = lots(asked(*calls), jobs=jobs, most=most)

    assert sorted(index for lot in found for index in lot) == list(range(11))
    assert all(lot == sorted(lot) and 0 < len(lot) <= most for lot in found)
    assert len(found) >= min(jobs, 11)


@pytest.mark.parametrize(("seconds", "together"), [(0, True), (9, True), (11, False)])
def test_connections_of_one_clients_port_that_follow_each_other_at_once_are_in_one_lot(seconds, together) -> None:
    calls = [("10.1.0.1:7", "10.0.0.1:80"), ("10.1.0.1:7", "10.0.0.2:80"), ("10.1.0.1:7", "10.0.0.3:80")]

    found = lots(asked(*calls, seconds=seconds), jobs=1, most=1)

    assert found == ([[0, 1, 2]] if together else [[0], [1], [2]])


@pytest.mark.parametrize("jobs", [1, 2])
def test_connections_of_one_clients_port_are_in_one_lot_though_others_are_between_them(jobs) -> None:
    calls = [("10.1.0.1:7", "10.0.0.1:80"), ("10.1.0.2:7", "10.0.0.2:80"), ("10.1.0.1:8", "10.0.0.2:80")]

    found = lots(asked(*calls, *calls), jobs=jobs, most=1)

    together = {frozenset(lot) for lot in found}
    assert together == {frozenset({0, 3}), frozenset({1, 4}), frozenset({2, 5})}


def test_inside_of_a_pod_connections_of_one_clients_port_are_in_one_lot_whenever_they_were() -> None:
    lo = Lo()
    for number in range(3):
        talk = lo.talk("127.0.0.1:7", f"127.0.0.1:{80 + number}", redirect=0)
        talk.next = {True: 1000 * number, False: 5000 * number}
        talk.open().ask(get()).answer(ok()).close()
        lo.wait(600)

    assert lots(lo, jobs=1, most=1) == [[0, 1, 2]]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_uneven_servers_and_ports_that_follow_each_other_change_no_byte(mesh, jobs) -> None:
    servers = ["10.8.0.1:80"] * 9 + ["10.8.0.2:80", "10.8.0.1:80", "10.8.0.2:80"] * 2
    lo = asked(*((f"10.9.0.{1 + n % 3}:{7 + n % 5}", server) for n, server in enumerate(servers)))
    read = read_bytes(lo.data)

    for most in (1, 4):
        assert lines_of(apart(read, mesh, jobs=jobs, lot=most)) == plain_lines(read, mesh)
