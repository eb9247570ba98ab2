"""What is looked up in captures again."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.errors import UsageError
from analyzer.extraction import dissect, sheets_for
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_and_ask

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"
SLEEP, FRONTEND = (str(SHOP / "pods" / f"shop_{name}.any.pcap") for name in ("sleep-0", "frontend-1"))
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


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([SHOP / "mesh"])


def test_a_page_has_what_only_the_captures_tell(mesh) -> None:
    _, asked, spoken = analyze_and_ask([SLEEP, FRONTEND], mesh)

    sheets = sheets_for([SLEEP, FRONTEND], mesh, asked, spoken, most=2)

    assert len(sheets.passages) == 2
    assert "www.example.com" in {name.name for name in sheets.names}


def test_standard_input_is_not_read_again(mesh) -> None:
    _, asked, spoken = analyze_and_ask([SLEEP], mesh)

    assert sheets_for(["-"], mesh, asked, spoken).names
