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
        ({"headers": (("x-forwarded-for", "192.0.2.1"),), "trusts_forwarded": False}, "10.0.0.1"),
        ({"headers": (("x-forwarded-for", "192.0.2.1"),), "http": False}, "10.0.0.1"),
        ({"headers": (("x-forwarded-for", "192.0.2.1,"),)}, None),
        ({"source_ip": None}, None),
    ],
)
def test_the_last_forwarded_address_is_the_client_where_it_is_trusted(fields, address):
    assert subject(**fields).remote_ip == address
