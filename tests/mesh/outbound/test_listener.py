"""Envoy's choice of a filter chain."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.outbound.listener import (
    PLAINTEXT_HTTP_ALPN,
    FilterChain,
    FirstBytes,
    Listener,
    choose_chain,
    refused_chains,
)

DEFAULT = FilterChain(name="default")
HTTP = FilterChain(name="http", transport="raw_buffer", alpn=PLAINTEXT_HTTP_ALPN)


def listener(*chains: FilterChain, **more) -> Listener:
    return Listener("l", chains, DEFAULT, tls_inspector=True, http_inspector=True, **more)


def chosen(found: Listener, address="10.0.0.1", **first) -> str:
    chain = choose_chain(found, address, FirstBytes(**first))
    return chain.name if chain else "none"


@pytest.mark.parametrize(
    ("http", "name"), [("http/1.1", "http"), ("h2c", "http"), ("http/1.0", "default"), ("", "default")]
)
def test_plaintext_http_takes_the_chain_that_asks_for_it(http: str, name: str) -> None:
    assert chosen(listener(HTTP), http=http) == name


def test_nothing_is_known_without_inspectors() -> None:
    blind = replace(
        listener(HTTP, FilterChain(name="sni", server_names=("a.com",))), tls_inspector=False, http_inspector=False
    )
    assert chosen(blind, http="http/1.1") == "default"
    assert chosen(blind, tls=True, sni="a.com") == "default"


def test_tls_is_no_http_for_the_http_inspector() -> None:
    assert chosen(replace(listener(HTTP), tls_inspector=False), tls=True, http="http/1.1") == "default"


@pytest.mark.parametrize(
    ("sni", "name"),
    [
        ("a.com", "exact"),
        ("A.com", "exact"),
        ("x.b.com", "wild"),
        ("y.x.b.com", "narrow"),
        ("b.com", "default"),
        ("", "default"),
    ],
)
def test_server_names_match_exactly_then_by_the_longest_wildcard(sni: str, name: str) -> None:
    found = listener(
        FilterChain(name="exact", server_names=("a.com",)),
        FilterChain(name="wild", server_names=("*.b.com",)),
        FilterChain(name="narrow", server_names=("*.x.b.com",)),
    )
    assert chosen(found, tls=True, sni=sni) == name


def test_the_server_name_comes_before_the_transport_and_there_is_no_way_back() -> None:
    found = listener(
        FilterChain(name="named", server_names=("a.com",), transport="raw_buffer"),
        FilterChain(name="tls", transport="tls"),
    )
    assert chosen(found, tls=True, sni="a.com") == "default"


def test_the_longest_prefix_wins_and_there_is_no_way_back() -> None:
    wide = FilterChain(name="wide", prefixes=(ip_network("10.0.0.0/8"),))
    narrow = FilterChain(name="narrow", prefixes=(ip_network("10.0.0.0/24"),), server_names=("a.com",))
    found = listener(wide, narrow)
    assert chosen(found, address="10.2.0.1") == "wide"
    assert chosen(found, address="10.0.0.1", tls=True, sni="a.com") == "narrow"
    assert chosen(found, address="10.0.0.1", tls=True, sni="b.com") == "default"
    assert chosen(found, address="192.0.2.1") == "default"


def test_what_is_no_address_is_in_no_prefix() -> None:
    assert (
        chosen(listener(FilterChain(name="wide", prefixes=(ip_network("0.0.0.0/0"),))), address="vm.example.com")
        == "default"
    )


def test_the_transport_is_matched_exactly_before_any() -> None:
    tls = FilterChain(name="tls", transport="tls")
    any_transport = FilterChain(name="any", server_names=("*",))
    assert chosen(listener(tls, any_transport), tls=True) == "tls"
    assert chosen(listener(tls, any_transport)) == "any"


def test_without_a_default_nothing_takes_the_connection() -> None:
    assert chosen(replace(listener(HTTP), default_chain=None)) == "none"


def test_a_chain_matches_all_only_without_conditions() -> None:
    assert DEFAULT.matches_all
    assert FilterChain(server_names=("a.com", "*")).matches_all
    assert not HTTP.matches_all
    assert not FilterChain(server_names=("a.com",)).matches_all
    assert not FilterChain(prefixes=(ip_network("10.0.0.0/8"),)).matches_all


def test_chains_conflict_by_names_and_masked_prefixes_without_order() -> None:
    a = FilterChain(server_names=("a", "b", "*"), prefixes=(ip_network("10.0.0.0/8"), ip_network("0.0.0.0/0")))
    b = FilterChain(server_names=("b", "a"), prefixes=(ip_network("10.0.0.0/8"),))
    assert a.match_key == b.match_key
    assert a.match_key != DEFAULT.match_key


def named(*names: str, **more) -> FilterChain:
    return FilterChain(name=names[0] if names else "all", server_names=names, **more)


@pytest.mark.parametrize(
    ("chains", "refused"),
    [
        ((named("a.com"), named("b.com"), named("*.com"), named()), ()),
        ((named("a.com", "b.com"), named("c.com", "A.com")), (0, 1)),
        ((named("a.com", alpn=("h2",)), named("a.com", alpn=("http/1.1",)), named("a.com", transport="tls")), ()),
        ((named("a.com", alpn=("h2", "istio")), named("a.com", alpn=("istio",))), (0, 1)),
        ((named(), named("b.com", "*")), (0, 1)),
        ((named("*-api.com"), named("b.com")), (0,)),
        ((named(prefixes=(ip_network("10.0.0.0/8"),)), named(prefixes=(ip_network("10.0.0.0/9"),))), ()),
        ((named("a.com"), named(prefixes=(ip_network("10.0.0.0/8"),)), named(prefixes=(ip_network("10.0.0.0/8"),))),
         (1, 2)),
    ],
)  # fmt: skip
def test_envoy_refuses_chains_of_which_two_take_the_same(chains, refused) -> None:
    assert refused_chains(chains) == tuple(chains[index] for index in refused)


def test_a_chain_that_takes_any_name_beside_others_has_none() -> None:
    found = listener(named("*", "a.com"), named("*.com"))
    assert (chosen(found, tls=True, sni="a.com"), chosen(found, tls=True, sni="a.org")) == ("*.com", "*")
