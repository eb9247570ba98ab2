"""A gateway's listeners and chains as its dump has them."""

from __future__ import annotations

import json

from analyzer.mesh.dump.gateway import DumpedGatewayChain, dumped_gateway_listener
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.load import parse_mesh

TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
TCP = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def chain(cluster: str, *names: str, context=None):
    filters = [{"name": "tcp", "typed_config": {"@type": TCP, "cluster": cluster}}]
    match = {"filter_chain_match": {"server_names": list(names)}} if names else {}
    socket = {"transport_socket": {"typed_config": {"@type": TLS, **context}}} if context is not None else {}
    return {"filters": filters, **match, **socket}


def listener(dumped, *chains, address="0.0.0.0", port=8443, wanted=("10.1.0.9", 8443)):
    socket = {"socket_address": {"address": address, "port_value": port}}
    node = {"name": f"{address}_{port}", "address": socket, "filter_chains": list(chains)}
    text = json.dumps(dumped("edge/gw-0", "10.1.0.9", listeners=[node], kind="router"))
    (dump,) = parse_mesh(text).views[ProxyDump]
    return dumped_gateway_listener(dump, *wanted)


def test_the_pod_of_the_dump_is_a_gateway(dumped):
    mesh = parse_mesh(json.dumps(dumped("edge/gw-0", "10.1.0.9", kind="router")))
    assert mesh.pod("edge", "gw-0").is_gateway


def test_a_chain_without_tls_takes_plaintext(dumped):
    (found,) = listener(dumped, chain("a")).chains
    assert isinstance(found, DumpedGatewayChain)
    assert (found.terminates, found.asks_certificate, [each.cluster for each in found.clusters]) == (
        False,
        False,
        ["a"],
    )


def test_a_chain_with_a_tls_context_ends_tls(dumped):
    (found,) = listener(dumped, chain("a", "A.com", context={})).chains
    assert (found.terminates, found.asks_certificate, found.server_names) == (True, False, ("a.com",))


def test_a_chain_may_ask_for_certificates_of_the_mesh(dumped):
    validation = {"validation_context_sds_secret_config": {"name": "ROOTCA"}}
    context = {
        "require_client_certificate": True,
        "common_tls_context": {"combined_validation_context": validation},
    }
    (found,) = listener(dumped, chain("a", context=context)).chains
    assert (found.asks_certificate, found.trusts_mesh) == (True, True)


def test_a_listener_of_the_very_address_comes_before_that_of_any(dumped):
    assert listener(dumped, chain("a"), address="10.1.0.9").name == "10.1.0.9_8443"


def test_a_port_without_a_listener_has_none(dumped):
    assert listener(dumped, chain("a"), wanted=("10.1.0.9", 80)) is None
