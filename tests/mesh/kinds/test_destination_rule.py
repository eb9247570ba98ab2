"""DestinationRules."""

from __future__ import annotations

from analyzer.mesh.kinds.destination_rule import DestinationRule


def rule_of(town, **spec) -> DestinationRule:
    return town.rule("DestinationRule", "shop/dr", **spec).mesh().of(DestinationRule)[0]


def test_a_rule_without_policy_has_none(town) -> None:
    found = rule_of(town, host="web")
    assert (found.host, found.policy, found.subsets, found.workload_selector) == ("web", None, (), None)


def test_subsets_have_labels_and_policies(town) -> None:
    subset = rule_of(
        town, host="web", subsets=[{"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": {}}]
    ).subsets[0]
    assert (subset.name, subset.labels) == ("v1", {"version": "v1"})
    assert subset.policy.tls is None
    assert subset.place.line == 1


def test_a_policy_knows_tls_balancer_pool_and_ports(town) -> None:
    found = rule_of(
        town,
        host="web",
        workloadSelector={"matchLabels": {"app": "a"}},
        trafficPolicy={
            "tls": {"mode": "SIMPLE", "sni": "x", "subjectAltNames": ["y"]},
            "loadBalancer": {"simple": "PASSTHROUGH"},
            "connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE"}},
            "portLevelSettings": [{"port": {"number": 80}, "tls": {}}],
        },
    )
    policy = found.policy
    assert found.workload_selector == {"app": "a"}
    assert (policy.tls.mode, policy.tls.sni, policy.tls.sans) == ("SIMPLE", "x", ("y",))
    assert (policy.balancer, policy.h2_upgrade) == ("PASSTHROUGH", "UPGRADE")
    assert policy.for_port(80).tls.mode == "DISABLE"
    assert policy.for_port(81) is None
