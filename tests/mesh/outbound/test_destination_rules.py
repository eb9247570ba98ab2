"""Which DestinationRule a client uses, and what its policies come to."""

from __future__ import annotations

from analyzer.mesh.outbound.destination_rules import effective_policy, rule_for
from analyzer.mesh.registry import services_of

SUFFIX = ".svc.cluster.local"


def used(town, client="shop/web-0"):
    town.service("pay/db", "10.9.0.1").pod(client)
    mesh, proxy = town.proxy(client)
    return rule_for(mesh, proxy, next(each for each in services_of(mesh) if each.namespace == "pay"))


def name(town, client="shop/web-0") -> str | None:
    found = used(town, client)
    return found.rules[0].resource.name if found else None


def rule(town, full_name: str, host=f"db.pay{SUFFIX}", **more):
    return town.rule("DestinationRule", full_name, host=host, **more)


def test_without_a_rule_there_is_none(town) -> None:
    assert used(town) is None


def test_the_clients_namespace_comes_before_the_services_before_the_root(town) -> None:
    rule(town, "istio-system/root")
    assert name(town) == "root"
    rule(town, "pay/service", host="db")
    assert name(town) == "service"
    rule(town, "shop/client")
    assert name(town) == "client"


def test_a_wildcard_of_the_client_hides_an_exact_rule_of_the_service(town) -> None:
    rule(rule(town, "pay/exact"), "shop/wide", host="*.local")
    assert name(town) == "wide"


def test_inside_a_namespace_the_most_specific_host_wins(town) -> None:
    rule(rule(town, "pay/wide", host="*.local"), "pay/exact")
    assert name(town) == "exact"


def test_private_rules_of_other_namespaces_do_not_apply(town) -> None:
    rule(rule(town, "pay/private", exportTo=["."]), "pay/lent-elsewhere", exportTo=["other"])
    assert name(town) is None


def test_rules_may_be_private_by_default(town) -> None:
    rule(town.settings(defaultDestinationRuleExportTo=["."]), "pay/rule")
    assert name(town) is None


def test_a_rule_lent_to_the_client_applies(town) -> None:
    rule(rule(town, "pay/lent", exportTo=["shop"]), "pay/x", host="x.example.com")
    assert name(town) == "lent"


def test_a_client_in_the_root_namespace_sees_only_its_private_rules_first(town) -> None:
    rule(rule(town, "istio-system/public"), "pay/service", host="db")
    assert name(town, "istio-system/gw-0") == "service"
    rule(town, "istio-system/private", exportTo=["."])
    assert name(town, "istio-system/gw-0") == "private"


def test_a_rule_that_only_others_see_is_not_the_namespaces_own(town) -> None:
    rule(town, "shop/lent", exportTo=["other"])
    assert name(town) is None


def test_a_rule_with_a_selector_is_for_the_clients_that_it_selects(town) -> None:
    rule(rule(town, "shop/all"), "shop/web", workloadSelector={"matchLabels": {"app": "web"}})
    assert name(town) == "web"
    assert name(town, "shop/other-0") == "all"


def test_rules_of_one_host_are_merged(town) -> None:
    rule(town, "shop/a", subsets=[{"name": "v1", "labels": {"v": "1"}}])
    rule(
        town,
        "shop/b",
        subsets=[{"name": "v1", "labels": {"v": "x"}}, {"name": "v2"}],
        trafficPolicy={"tls": {"mode": "DISABLE"}},
    )
    found = used(town)
    assert [(each.name, each.labels) for each in found.subsets] == [("v1", {"v": "1"}), ("v2", {})]
    assert found.policy.tls.mode == "DISABLE"
    assert (found.subset("v2").name, found.subset("v3"), len(found.places)) == ("v2", None, 2)


def test_rules_that_others_see_differently_are_not(town) -> None:
    rule(rule(town, "shop/a", exportTo=["x", "shop"]), "shop/b", exportTo=["y", "shop"])
    assert len(used(town).rules) == 1


def policy(town, port=80, subset="v1", **spec):
    found = used(rule(town, "shop/dr", **spec))
    return effective_policy(found, port, found.subset(subset))


TOP = {"tls": {"mode": "ISTIO_MUTUAL"}, "loadBalancer": {"simple": "PASSTHROUGH"}}


def test_the_policy_of_the_top_holds_for_every_port(town) -> None:
    found = policy(town, trafficPolicy=TOP)
    assert (found.tls.mode, found.balancer) == ("ISTIO_MUTUAL", "PASSTHROUGH")


def test_a_ports_policy_replaces_it_whole(town) -> None:
    ports = [{"port": {"number": 80}, "connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE"}}}]
    found = policy(town, trafficPolicy={**TOP, "portLevelSettings": ports})
    assert (found.tls, found.balancer, found.h2_upgrade) == (None, "", "UPGRADE")
    assert found.inherited_tls.mode == "ISTIO_MUTUAL"


def test_a_subset_overrides_field_by_field(town) -> None:
    subsets = [{"name": "v1", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}]
    found = policy(town, trafficPolicy=TOP, subsets=subsets)
    assert (found.tls.mode, found.balancer) == ("DISABLE", "PASSTHROUGH")
    other = policy(town, subset="none", trafficPolicy=TOP, subsets=subsets)
    assert other.tls.mode == "ISTIO_MUTUAL"


def test_without_rule_and_subset_nothing_is_set() -> None:
    found = effective_policy(None, 80, None)
    assert (found.tls, found.balancer, found.h2_upgrade) == (None, "", "")


def with_selector(town, **more):
    """A rule for pods ``app: web`` of the client's namespace, older by kind than any without selector."""
    return rule(town, "shop/own", workloadSelector={"matchLabels": {"app": "web"}}, subsets=[{"name": "v1"}], **more)


def test_a_private_rule_without_selector_is_swallowed_by_one_with_selector(town) -> None:
    rule(with_selector(town), "shop/all", exportTo=["."], subsets=[{"name": "v2"}])
    assert [each.name for each in used(town).subsets] == ["v1", "v2"]
    assert used(town, "shop/other-0") is None


def test_a_rule_that_others_see_too_lends_its_subsets_and_stands_for_itself(town) -> None:
    rule(with_selector(town), "shop/all", exportTo=[".", "pay"], subsets=[{"name": "v2"}])
    assert [each.name for each in used(town).subsets] == ["v1", "v2"]
    assert name(town, "shop/other-0") == "all"


def test_a_public_rule_and_one_with_selector_stay_apart(town) -> None:
    rule(with_selector(town), "shop/all", subsets=[{"name": "v2"}])
    assert [each.name for each in used(town).subsets] == ["v1"]
    assert name(town, "shop/other-0") == "all"
