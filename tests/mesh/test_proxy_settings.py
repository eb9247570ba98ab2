"""What a proxy's own ProxyConfig says, or else the mesh's."""

from __future__ import annotations

import pytest

from analyzer.mesh.proxy_settings import proxy_setting, proxy_setting_place

PATH = ("proxyHeaders", "requestId")


def told(world, config="", **settings):
    env = [{"name": "PROXY_CONFIG", "value": config}] if config else []
    mesh = world.settings(**settings).pod("web-0", namespace="shop", env=env).mesh()
    return mesh, mesh.pod("shop", "web-0")


@pytest.mark.parametrize("config", ["", "{", "[" * 100_000, "[]", "{}", '{"proxyHeaders": 1}'])
def test_a_pod_that_does_not_say_takes_the_meshs(world, config):
    found = told(world, config, defaultConfig={"proxyHeaders": {"requestId": {"disabled": True}}})
    assert proxy_setting(*found, *PATH) == {"disabled": True}
    assert proxy_setting_place(*found, *PATH).field.endswith("defaultConfig.proxyHeaders.requestId")


def test_the_pods_own_comes_first_and_stands_on_the_pod(world):
    found = told(world, '{"proxyHeaders": {"requestId": {}}}', defaultConfig={"proxyHeaders": {"requestId": 1}})
    assert proxy_setting(*found, *PATH) == {}
    assert proxy_setting_place(*found, *PATH).field == "spec.containers"


def test_nobody_may_say_anything(world):
    assert proxy_setting(*told(world), *PATH) is None
