"""Names that other tools share."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

from analyzer.flow.connection import Endpoint
from analyzer.flow.fields import Coded, Endpoints
from analyzer.flow.identity import community_ids, connection_uids

A, B = Endpoint("128.232.110.120", 34855), Endpoint("66.35.250.204", 80)


def endpoints(each: Sequence[Endpoint]) -> Endpoints:
    return Endpoints(Coded.of(one.ip for one in each), np.array([one.port for one in each], np.int64))


def uids(
    clients: Sequence[Endpoint], servers: Sequence[Endpoint], syn_seqs: Sequence[int | None], first_ns: Sequence[int]
) -> list[str]:
    found = connection_uids(endpoints(clients), endpoints(servers), syn_seqs, first_ns)
    return [found[index] for index in range(len(found))]


def connection_uid(client: Endpoint, server: Endpoint, syn_seq: int | None, first_ns: int) -> str:
    return uids([client], [server], [syn_seq], [first_ns])[0]


def community_id(client: Endpoint, server: Endpoint, **options: int) -> str:
    return community_ids(endpoints([client]), endpoints([server]), **options)[0]


@pytest.mark.parametrize(
    ("client", "server", "options", "expected"),
    [
        (A, B, {}, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (B, A, {}, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (A, B, {"seed": 1}, "1:3V71V58M3Ksw/yuFALMcW0LAHvc="),
        (Endpoint("192.168.1.52", 54585), Endpoint("8.8.8.8", 53), {"protocol": 17}, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    ],
)
def test_community_ids_are_those_of_the_specification(client, server, options, expected: str) -> None:
    assert community_id(client, server, **options) == expected


def test_ends_of_one_address_are_ordered_by_port() -> None:
    one, two = Endpoint("::1", 80), Endpoint("::1", 40000)

    assert community_id(one, two) == community_id(two, one)


def test_a_uid_has_zeeks_form() -> None:
    assert re.fullmatch(r"C[0-9A-Za-z]{17}", connection_uid(A, B, 1, 2))


def test_a_uid_is_the_same_in_every_run() -> None:
    assert connection_uid(A, B, 1, 2) == "CnJ6PfqUTYfOvpEMJ6"


@pytest.mark.parametrize("other", [(B, A, 1, 2), (A, B, None, 2), (A, B, 1, 3)])
def test_connections_that_differ_have_other_uids(other) -> None:
    assert connection_uid(*other) != connection_uid(A, B, 1, 2)


def test_several_connections_have_the_names_that_each_has_alone() -> None:
    clients, servers, numbers, times = [A, B, A], [B, A, A], [1, None, 3], [4, 5, 6]
    each = list(zip(clients, servers, numbers, times, strict=True))

    found = community_ids(endpoints(clients), endpoints(servers))

    assert uids(clients, servers, numbers, times) == [connection_uid(*one) for one in each]
    assert [found[index] for index in range(len(found))] == [community_id(*one[:2]) for one in each]


def test_a_capture_without_connections_has_no_names() -> None:
    assert len(connection_uids(endpoints([]), endpoints([]), [], [])) == 0
    assert len(community_ids(endpoints([]), endpoints([]))) == 0
