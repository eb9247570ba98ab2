"""Extensions on a call's way."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.extension.plugins import plugins_at
from analyzer.mesh.extension.spot import GATEWAY, SIDECAR_INBOUND, SIDECAR_OUTBOUND, Spot
from analyzer.mesh.proxy import proxy_of

HERE = Spot(SIDECAR_OUTBOUND, "0.0.0.0_80", 80, 80, http=True, transport="raw_buffer")


def passed(world, spec, spot) -> bool:
    mesh = world.pod().add("WasmPlugin", "own", spec, api="extensions.istio.io/v1alpha1").mesh()
    return bool(list(plugins_at(mesh, proxy_of(mesh, mesh.pods[0]), spot)))


@pytest.mark.parametrize(
    ("spec", "spot", "expected"),
    [
        ({}, HERE, True),
        ({}, replace(HERE, http=False), False),
        ({"type": "NETWORK"}, replace(HERE, http=False), True),
        ({"match": [{"mode": "CLIENT"}]}, HERE, True),
        ({"match": [{"mode": "SERVER"}]}, HERE, False),
        ({"match": [{"mode": "SERVER"}]}, replace(HERE, context=SIDECAR_INBOUND), True),
        ({"match": [{"mode": "CLIENT"}]}, replace(HERE, context=GATEWAY), True),
        ({"match": [{"ports": [{"number": 81}]}, {"ports": [{"number": 80}]}]}, HERE, True),
        ({"match": [{"ports": [{"number": 81}]}]}, HERE, False),
    ],
)
def test_an_extension_is_passed_on_its_layer_side_and_port(world, spec, spot, expected) -> None:
    assert passed(world, spec, spot) is expected
