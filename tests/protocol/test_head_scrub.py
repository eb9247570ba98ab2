"""Heads under pseudonyms are as long as they were, and read the same."""

from __future__ import annotations

import pytest

from analyzer.base.pseudonym import Pseudonyms, masked
from analyzer.base.vocabulary import VOCABULARY
from analyzer.protocol.head_scrub import scrub_head, scrub_value

NAMES = Pseudonyms(b"k" * 32, VOCABULARY)


def test_target_host_and_values_are_replaced_and_framing_stays():
    head = (
        b"POST /orders/jane?q=jane HTTP/1.1\r\nHost: Checkout.shop:80\r\nContent-Length: 12\r\n"
        b"Authorization: Bearer s3cret\r\nX-Tenant: acme\r\n\r\n"
    )

    new = scrub_head(head, NAMES)

    assert len(new) == len(head)
    assert new.endswith(b"\r\n\r\n")
    assert b"\r\nContent-Length: 12\r\n" in new
    assert not any(word in new.lower() for word in (b"jane", b"orders", b"checkout", b"shop", b"s3cret", b"acme"))


def test_a_status_line_stays():
    assert scrub_head(b"HTTP/1.1 503 Service Unavailable\r\n\r\n", NAMES).startswith(
        b"HTTP/1.1 503 Service Unavailable"
    )


@pytest.mark.parametrize(
    ("name", "new"),
    [("server", "acme"), ("cookie", masked("acme")), ("x-api-token", masked("acme")), ("x-tenant", NAMES.text("acme"))],
)
def test_a_value_goes_by_its_header(name, new):
    assert scrub_value(name, "acme", NAMES) == new
