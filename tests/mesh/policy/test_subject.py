"""What the policies see of a client's address and headers."""

import pytest

from analyzer.mesh.policy.subject import Subject


def subject(**fields):
    given = {"http": True, "destination_ip": "10.0.0.9", "destination_port": 80, "source_ip": "10.0.0.1"}
    return Subject(**{**given, **fields})


def test_several_values_of_a_header_are_joined():
    assert subject(headers=(("a", "1"), ("b", "2"), ("a", "3"))).header("a") == "1,3"
    assert subject().header("a") is None


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({}, "10.0.0.1"),
        ({"headers": (("x-forwarded-for", "192.0.2.1, 192.0.2.2"),)}, "192.0.2.2"),
        ({"headers": (("x-forwarded-for", "192.0.2.1"),), "trusted_hops": 0}, "10.0.0.1"),
        ({"headers": (("x-forwarded-for", "192.0.2.1, 192.0.2.2"),), "trusted_hops": 2}, "192.0.2.1"),
        ({"headers": (("x-forwarded-for", "192.0.2.1, 192.0.2.2"),), "trusted_hops": 3}, "10.0.0.1"),
        ({"headers": (("x-forwarded-for", "unknown"),)}, "10.0.0.1"),
        ({"request_seen": False}, None),
        ({"head_cut": True}, None),
        ({"head_cut": True, "headers": (("x-forwarded-for", "192.0.2.1"),)}, "192.0.2.1"),
        ({"headers": (("x-forwarded-for", "192.0.2.1"),), "http": False}, "10.0.0.1"),
        ({"headers": (("x-forwarded-for", "192.0.2.1,"),)}, None),
        ({"source_ip": None}, None),
    ],
)
def test_the_address_that_a_trusted_proxy_forwarded_is_the_client(fields, address):
    assert subject(**fields).remote_ip == address
