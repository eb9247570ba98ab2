"""How often a connection that fails is tried at another endpoint."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.kinds.retries import retries_connections, retries_elsewhere
from analyzer.mesh.load import parse_mesh


@pytest.mark.parametrize(
    ("policy", "retries"),
    [
        ({"attempts": 3}, 3),
        ({}, 0),
        ({"attempts": -1}, 0),
        ({"attempts": 3, "retryOn": "gateway-error,503"}, 3),
        ({"attempts": 3, "retryOn": "503, refused-stream"}, 0),
        ({"attempts": 3, "retryIgnorePreviousHosts": False}, 0),
    ],
)
def test_the_policy_says_how_often(policy, retries) -> None:
    config = parse_mesh(json.dumps({"defaultConfig": {"policy": policy}})).config
    assert retries_elsewhere(config.node.node("defaultConfig").node("policy")) == retries


def test_conditions_are_whole_words() -> None:
    assert retries_connections("cancelled, reset")
    assert not retries_connections("http3-post-connect-failure,reset-after")
