"""What a proxy's own ProxyConfig says, or else the mesh's."""

from __future__ import annotations

import pytest

from analyzer.mesh.proxy_settings import is_set_anywhere, proxy_setting, proxy_setting_places

PATH = ("proxyHeaders", "requestId")


def told(world, config="", **settings):
    env = [{"name": "PROXY_CONFIG", "value": config}] if config else []
    mesh = world.settings(**settings).pod("web-0", namespace="shop", env=env).mesh()
    return mesh, mesh.pod("shop", "web-0")


@pytest.mark.parametrize("config", ["", "{", "[" * 100_000, "[]", "{}", '{"proxyHeaders": 1}'])
def test_a_pod_that_does_not_say_takes_the_meshs(world, config):
    found = told(world, config, defaultConfig={"proxyHeaders": {"requestId": {"disabled": True}}})
    assert proxy_setting(*found, *PATH) == {"disabled": True}
    assert proxy_setting_places(*found, *PATH)[0].field.endswith("defaultConfig.proxyHeaders.requestId")


def test_the_pods_own_comes_first_and_stands_on_the_pod(world):
    found = told(world, '{"proxyHeaders": {"requestId": {}}}', defaultConfig={"proxyHeaders": {"requestId": 1}})
    assert proxy_setting(*found, *PATH) == {}
    assert proxy_setting_places(*found, *PATH)[0].field == "spec.containers"


def test_nobody_may_say_anything(world):
    assert proxy_setting(*told(world), *PATH) is None
    assert proxy_setting_places(*told(world), *PATH) == ()


@pytest.mark.parametrize(("config", "anywhere"), [("", False), ('{"proxyHeaders": {}}', True)])
def test_one_pod_that_says_so_is_somewhere(world, config, anywhere):
    mesh, _ = told(world, config)
    assert is_set_anywhere(mesh, "proxyHeaders") == anywhere
