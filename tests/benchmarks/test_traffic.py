"""What is measured is what it claims to be: calls through sidecars, all of them decided."""

from __future__ import annotations

import pytest

from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_paths

PACKETS = 3_000


@pytest.fixture(scope="module")
def traffic(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(request.config.rootpath / "benchmarks")
        import traffic

        yield traffic


@pytest.fixture(scope="module")
def made(traffic, tmp_path_factory):
    """A capture and its mesh."""
    folder = tmp_path_factory.mktemp("traffic")
    town = traffic.Town(20)
    town.write_mesh(folder / "mesh.yaml")
    traffic.write_capture(folder / "a.pcap", town, PACKETS)
    return folder


@pytest.fixture(scope="module")
def run(made):
    return analyze_paths([str(made / "a.pcap")], load_mesh([made / "mesh.yaml"]))


def test_the_capture_has_as_many_packets_as_asked_for(run) -> None:
    assert [(capture.records, capture.complete) for capture in run.captures] == [(PACKETS, True)]


def test_the_same_arguments_make_the_same_bytes(traffic, made) -> None:
    traffic.write_capture(made / "again.pcap", traffic.Town(20), PACKETS)

    assert (made / "again.pcap").read_bytes() == (made / "a.pcap").read_bytes()


def test_all_three_protocols_reach_their_services(run) -> None:
    reached = {(call.protocol, call.decision.verdict) for call in run.calls if call.observed.outcome == "answered"}

    assert reached == {("http/1.1", "service-matched"), ("tls", "service-matched"), ("tcp", "service-matched")}


def test_a_name_is_read_from_every_request_and_hello(run) -> None:
    said = [call for call in run.calls if call.method or call.sni]

    assert said
    assert all((call.host or call.sni).startswith("shop-") for call in said)
