"""ProxyConfigs as they are read."""

from __future__ import annotations

from analyzer.mesh.kinds.proxy_config import ProxyConfig


def test_a_proxy_config_knows_whom_it_selects_and_what_it_sets(world) -> None:
    spec = {"selector": {"matchLabels": {"app": "web"}}, "environmentVariables": {"ISTIO_META_HTTP10": "1"}}

    found = world.add("ProxyConfig", "old", spec).mesh().of(ProxyConfig)[0]

    assert found.selector == {"app": "web"}
    assert found.environment == {"ISTIO_META_HTTP10": "1"}
