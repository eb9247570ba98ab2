"""Where a call was decided."""

from __future__ import annotations

from analyzer.mesh.extension.spot import SIDECAR_OUTBOUND, Spot


def test_what_a_call_did_not_reach_is_not_known() -> None:
    spot = Spot(SIDECAR_OUTBOUND, "0.0.0.0_80", 80, 80, http=False, transport="tls")

    assert (spot.route_config, spot.virtual_host, spot.route, spot.cluster) == (None, None, None, None)
