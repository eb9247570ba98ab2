"""How a run came to its verdicts, with its own numbers."""

from __future__ import annotations

from analyzer.report.method import method_lines


def test_what_the_packets_bear_out_is_counted(shop):
    agrees = sum(call.observed.agrees is True for call in shop.calls)

    text = " ".join(method_lines(shop))

    assert (
        f"Of 11 calls they bear the decision out for {agrees}, speak against it for 1, and cannot tell for 1." in text
    )


def test_legs_that_are_only_probable_are_said(shop, bare):
    assert any("have a leg that is only probable" in line for line in method_lines(shop))
    assert any("No leg had to be guessed." in line for line in method_lines(bare))


def test_without_a_mesh_no_verdict_is_promised(bare):
    assert method_lines(bare)[0].startswith("There was no mesh input")
    assert not any("The mesh was read" in line for line in method_lines(bare))
