"""Where a port may follow, an address must not look as if it had one."""

import pytest

from analyzer.base.authority import uri_host


@pytest.mark.parametrize(
    ("name", "host"), [("10.0.0.1", "10.0.0.1"), ("reviews.shop", "reviews.shop"), ("fd00::1", "[fd00::1]")]
)
def test_only_ipv6_addresses_stand_in_brackets(name: str, host: str) -> None:
    assert uri_host(name) == host
