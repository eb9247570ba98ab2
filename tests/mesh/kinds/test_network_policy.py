"""NetworkPolicies as they are read."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.network_policy import NetworkPolicy

API = "networking.k8s.io/v1"


@pytest.mark.parametrize(
    ("spec", "directions"),
    [
        ({}, ("Ingress",)),
        ({"egress": []}, ("Ingress", "Egress")),
        ({"policyTypes": ["Egress"]}, ("Egress",)),
    ],
)
def test_the_directions_follow_from_the_types_or_from_the_rules(world, spec, directions) -> None:
    found = world.add("NetworkPolicy", "p", spec, api=API).mesh().of(NetworkPolicy)[0]

    assert found.directions == directions


def test_pods_are_selected_by_labels_and_expressions(world) -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}

    found = world.add("NetworkPolicy", "p", {"podSelector": selector}, api=API).mesh().of(NetworkPolicy)[0]

    assert found.selector.matches({"app": "web"})
    assert not found.selector.matches({"app": "db"})
