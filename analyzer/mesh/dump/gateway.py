"""A gateway's listeners and filter chains as its dump has them (envoy/config/listener/v3, transport_sockets/tls/v3)."""

from __future__ import annotations

from analyzer.mesh.dump.chains import DumpedChain, chain_of, listener_for
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.gateway.listeners import GatewayChain
from analyzer.mesh.outbound.listener import Listener
from analyzer.mesh.registry import UNSPECIFIED, UNSPECIFIED_6
from analyzer.mesh.resource import Node

# The secret by which Envoy is told of the mesh's own authorities (security/pkg/model SDSRootResourceName).
_MESH_ROOT = "ROOTCA"


class DumpedGatewayChain(GatewayChain, frozen=True):
    """A gateway's chain of a dump; ``dumped`` is the chain with all its filters."""

    dumped: DumpedChain = DumpedChain()


def dumped_gateway_listener(dump: ProxyDump, address: str, port: int) -> Listener | None:
    """The listener of the very address, or of any address of its family; None where the gateway has none."""
    wildcard = UNSPECIFIED_6 if ":" in address else UNSPECIFIED
    node = dump.listeners.get((address, port)) or dump.listeners.get((wildcard, port))
    if node is None:
        return None
    found = listener_for(node, port)
    default = node.node("default_filter_chain")
    return Listener(
        name=found.name,
        chains=tuple(_gateway_chain(each) for each in node.nodes("filter_chains")),
        default_chain=_gateway_chain(default) if default else None,
        tls_inspector=found.tls_inspector,
        http_inspector=found.http_inspector,
        detection_timeout_ns=found.detection_timeout_ns,
    )


def _gateway_chain(node: Node) -> DumpedGatewayChain:
    chain = chain_of(node)
    context = node.node("transport_socket").node("typed_config")
    validation = context.node("common_tls_context").node("combined_validation_context")
    authority = validation.node("validation_context_sds_secret_config").text("name")
    return DumpedGatewayChain(
        name=chain.name,
        transport=chain.transport,
        alpn=chain.alpn,
        server_names=chain.server_names,
        prefixes=chain.prefixes,
        rds=chain.rds,
        clusters=chain.clusters,
        owner=chain.owner,
        yaml=chain.yaml,
        terminates=chain.terminates,
        asks_certificate=context.boolean("require_client_certificate"),
        trusts_mesh=authority == _MESH_ROOT,
        dumped=chain,
    )
