"""Which policies apply to a pod."""

from analyzer.mesh.kinds.authorization_policy import AuthorizationPolicy
from analyzer.mesh.policy.selection import select_policies

GATEWAY = {"gateway.networking.k8s.io/gateway-name": "edge"}


def selected(world, **pod):
    mesh = world.pod("web-0", **pod).mesh()
    found = select_policies(mesh.of(AuthorizationPolicy), mesh.pod("shop", "web-0"), "istio-system")
    return [policy.resource.name for policy in found]


def policy(world, name, *, namespace="shop", **spec):
    return world.add("AuthorizationPolicy", name, spec, namespace=namespace)


def test_those_of_the_root_namespace_come_first_then_the_oldest(world):
    policy(world, "b").pod("x").add("ConfigMap", "c")
    policy(world, "a")
    policy(world, "mesh", namespace="istio-system")
    policy(world, "other", namespace="pay")
    assert selected(world) == ["mesh", "b", "a"]


def test_a_selector_must_fit(world):
    policy(world, "fits", selector={"matchLabels": {"app": "web"}})
    policy(world, "not", selector={"matchLabels": {"app": "db"}})
    assert selected(world) == ["fits"]


def target(**fields):
    return {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge", **fields}]}


def test_a_policy_with_targets_applies_to_the_pods_of_that_gateway(world):
    policy(world, "edge", **target())
    policy(world, "other", **target(name="other"))
    policy(world, "elsewhere", **target(namespace="pay"))
    assert selected(world, labels=GATEWAY) == ["edge"]


def test_a_policy_with_targets_never_applies_to_other_pods(world):
    policy(world, "edge", **target())
    assert selected(world) == []


def test_targets_count_in_the_pods_own_namespace_only(world):
    policy(world, "edge", namespace="istio-system", **target())
    assert selected(world, labels=GATEWAY) == []
