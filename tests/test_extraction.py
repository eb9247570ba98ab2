"""What is looked up in captures again."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.errors import UsageError
from analyzer.extraction import dissect

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"
NAKED = SHOP / "pods" / "legacy_naked-0.any.pcap"


def test_a_packet_can_be_taken_apart() -> None:
    assert "cooked linux" in dissect([str(NAKED)], NAKED.name, 1)


@pytest.mark.parametrize("packet", [0, 1_000_000])
def test_a_packet_that_there_is_not_is_a_matter_of_usage(packet) -> None:
    with pytest.raises(UsageError, match=rf"{NAKED.name}: found no packet {packet}, expected 1 to "):
        dissect([str(NAKED)], NAKED.name, packet)


def test_a_capture_that_there_is_not_is_a_matter_of_usage() -> None:
    with pytest.raises(UsageError, match=r"other\.pcap: found no such capture"):
        dissect([str(NAKED)], "other.pcap", 1)
