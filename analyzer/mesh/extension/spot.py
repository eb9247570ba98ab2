"""Where in one Envoy a call was decided: what patches and extensions are compared with."""

from __future__ import annotations

from analyzer.base.fact import Fact

SIDECAR_OUTBOUND = "SIDECAR_OUTBOUND"
SIDECAR_INBOUND = "SIDECAR_INBOUND"
GATEWAY = "GATEWAY"


class Spot(Fact, frozen=True):
    """A call's way through one Envoy, in Envoy's words; None where it did not get that far, or it is not known.

    ``context`` is the patch context of EnvoyFilter. ``port`` is what ``portNumber`` is compared with: the listener's,
    in ``virtualInbound`` the chain's; 0 for chains that take any port. ``traffic_port`` is where the call goes.
    ``transport`` is ``tls`` or ``raw_buffer``. ``http``: an HTTP connection manager has the call.
    """

    context: str
    listener: str
    port: int
    traffic_port: int
    http: bool
    transport: str
    sni: str | None = None
    filter_chain: str | None = None
    route_config: str | None = None
    virtual_host: str | None = None
    route: str | None = None
    cluster: str | None = None
