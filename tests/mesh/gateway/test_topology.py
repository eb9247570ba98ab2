"""How many proxies in front of a gateway are trusted."""

import pytest

from analyzer.mesh.gateway.topology import trusted_proxies


def trusted(world, config="", **settings):
    env = [{"name": "PROXY_CONFIG", "value": config}] if config else []
    mesh = world.settings(**settings).pod("gw-0", namespace="edge", proxy=["proxy", "router"], env=env).mesh()
    return trusted_proxies(mesh, mesh.pod("edge", "gw-0"))


def topology(number):
    return {"gatewayTopology": {"numTrustedProxies": number}}


def test_none_is_trusted_by_default(world):
    assert trusted(world) == 0


def test_the_mesh_says_how_many(world):
    assert trusted(world, defaultConfig=topology(2)) == 2


def test_the_pods_own_setting_comes_first(world):
    assert trusted(world, '{"gatewayTopology": {"numTrustedProxies": 1}}', defaultConfig=topology(2)) == 1


@pytest.mark.parametrize(
    "config", ["{", "[" * 100_000, "[]", '{"gatewayTopology": 1}', "{}", '{"gatewayTopology": {}}']
)
def test_a_pod_that_does_not_say_takes_the_meshs(world, config):
    assert trusted(world, config, defaultConfig=topology(2)) == 2


@pytest.mark.parametrize("number", [-1, 2**32, "many"])
def test_a_number_out_of_range_is_none(world, number):
    assert trusted(world, defaultConfig=topology(number)) == 0
