"""``virtualInbound`` of a dump."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.dump.inbound import DumpedMatch, dumped_port
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.inbound.chains import ChainMatch
from analyzer.mesh.inbound.listener import inbound_port
from analyzer.mesh.load import parse_mesh

MODES = ["STRICT", "PERMISSIVE", "DISABLE"]


def plain(chains: tuple[ChainMatch, ...]) -> list[tuple[str, tuple[str, ...], bool, bool]]:
    return [(each.transport, each.alpn, each.http, each.terminates) for each in chains]


@pytest.fixture
def ports(town, dump_told):
    """A port as the YAML has it, and as a dump of that has it."""

    def find(number: int, *, mode: str = "PERMISSIVE"):
        town.pod("shop/web-0", "10.1.0.2").service(
            "shop/web", "10.9.0.1", ("http:80:8080", "tcp:90:9090", "auto:70:7070")
        )
        town.security("PeerAuthentication", "shop/all", mtls={"mode": mode})
        mesh = town.mesh()
        dump = parse_mesh(dump_told(mesh, "shop/web-0", [], [8080, 9090, 7070])).views[ProxyDump][0]
        pod = mesh.pod("shop", "web-0")
        return inbound_port(mesh, pod, number), dumped_port(mesh, dump, pod, number, ipv6=False)

    return find


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [8080, 9090, 7070, 5555])
def test_a_dump_of_what_istiod_says_has_its_chains(ports, number, mode) -> None:
    by_yaml, by_dump = ports(number, mode=mode)

    assert plain(by_dump.chains) == plain(by_yaml.chains)
    assert [by_dump.chain_name(each) for each in by_dump.chains] == [
        by_yaml.chain_name(each) for each in by_yaml.chains
    ]
    assert (by_dump.declared, by_dump.cluster, by_dump.mtls.mode) == (
        by_yaml.declared,
        by_yaml.cluster,
        by_yaml.mtls.mode,
    )


def chain(name: str, *, port: int = 0, prefix: str = "", cluster: str = "inbound|80||", **match):
    config = {"@type": "type.googleapis.com/x.TcpProxy", "cluster": cluster}
    found = {**match, **({"destination_port": port} if port else {})}
    if prefix:
        found["prefix_ranges"] = [{"address_prefix": prefix, "prefix_len": 0}]
    return {"name": name, "filter_chain_match": found, "filters": [{"name": "tcp_proxy", "typed_config": config}]}


@pytest.fixture
def read(dumped):
    """A port of a dump with these chains."""

    def find(*chains, port: int = 80, ipv6: bool = False):
        listeners = [{"name": "virtualInbound", "filter_chains": list(chains)}] if chains else []
        mesh = parse_mesh(json.dumps(dumped("shop/web-0", "10.1.0.2", listeners=listeners)))
        return dumped_port(mesh, mesh.views[ProxyDump][0], mesh.pods[0], port, ipv6=ipv6)

    return find


def test_a_chain_that_names_no_transport_takes_both(read) -> None:
    assert [each.transport for each in read(chain("any")).chains] == ["tls", "raw_buffer"]


def test_chains_of_the_other_family_do_not_count(read) -> None:
    chains = [chain("four", prefix="0.0.0.0"), chain("six", prefix="::")]

    assert {read(*chains).chain_name(each) for each in read(*chains).chains} == {"four"}
    assert {read(*chains).chain_name(each) for each in read(*chains, ipv6=True).chains} == {"six"}


def test_a_port_with_a_mode_of_its_own_is_not_declared_by_that(read) -> None:
    found = read(chain("virtualInbound", port=80, cluster="InboundPassthroughCluster"))

    assert (found.declared, found.cluster) == (False, "InboundPassthroughCluster")


def test_without_a_listener_nothing_takes_a_connection(read) -> None:
    found = read()

    assert (found.chains, found.mtls.mode, found.cluster) == ((), "DISABLE", "InboundPassthroughCluster")


def test_a_chain_of_the_model_keeps_its_name(read) -> None:
    own = ChainMatch("tls", (), True, True)

    assert read(chain("a")).chain_name(own) == "0.0.0.0_80"
    assert isinstance(read(chain("a")).chains[0], DumpedMatch)


def test_a_chain_that_leads_nowhere_has_no_cluster(read) -> None:
    found = read({"name": "odd", "filter_chain_match": {"destination_port": 80}, "filters": []})

    assert [each.cluster for each in found.chains] == ["", ""]
