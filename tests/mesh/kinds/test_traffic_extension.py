"""WasmPlugins and TrafficExtensions as they are read."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.traffic_extension import CLIENT, SERVER, TrafficExtension, TrafficSelector

API = "extensions.istio.io/v1alpha1"


@pytest.fixture
def read(world):
    def parse(kind, spec) -> TrafficExtension:
        return world.add(kind, "own", spec, api=API).mesh().of(TrafficExtension)[0]

    return parse


@pytest.mark.parametrize(
    ("kind", "spec", "layer"),
    [
        ("WasmPlugin", {"url": "oci://x"}, "HTTP"),
        ("WasmPlugin", {"url": "oci://x", "type": "NETWORK"}, "NETWORK"),
        ("TrafficExtension", {"lua": {"inlineCode": "x"}}, "HTTP"),
        ("TrafficExtension", {"wasm": {"url": "oci://x", "type": "NETWORK"}}, "NETWORK"),
        ("TrafficExtension", {"wasm": {"url": "oci://x"}}, "HTTP"),
    ],
)
def test_an_extension_speaks_http_unless_it_says_network(read, kind, spec, layer) -> None:
    assert read(kind, spec).layer == layer


def test_an_extension_knows_whom_it_selects_and_where_it_stands(read) -> None:
    found = read("WasmPlugin", {"selector": {"matchLabels": {"app": "web"}}, "targetRefs": [{"name": "front"}]})

    assert (found.selector, found.targets[0].name) == ({"app": "web"}, "front")
    assert found.place.field == "metadata.name"


def test_traffic_is_selected_by_side_and_port(read) -> None:
    match = [{"mode": "SERVER", "ports": [{"number": 8080}]}, {"mode": "UNDEFINED"}]

    found = read("WasmPlugin", {"match": match})

    assert found.traffic == (TrafficSelector("SERVER", (8080,)), TrafficSelector("CLIENT_AND_SERVER", ()))


@pytest.mark.parametrize(
    ("selector", "mode", "port", "taken"),
    [
        (TrafficSelector("SERVER", ()), SERVER, 80, True),
        (TrafficSelector("SERVER", ()), CLIENT, 80, False),
        (TrafficSelector("CLIENT_AND_SERVER", (80,)), CLIENT, 80, True),
        (TrafficSelector("CLIENT_AND_SERVER", (80,)), CLIENT, 81, False),
    ],
)
def test_a_call_is_taken_on_its_side_and_port(selector, mode, port, taken) -> None:
    assert selector.takes(mode, port) is taken
