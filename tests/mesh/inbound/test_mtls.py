"""Modes of mutual TLS: workload before namespace before mesh, the oldest of a level, ports by the workload's own."""

import pytest

from analyzer.mesh.inbound.mtls import namespace_mtls, pod_mtls

ROOT = "istio-system"


def policy(world, name, mode=None, *, namespace="shop", selector=None, ports=None):
    spec = {
        **({"mtls": {"mode": mode}} if mode else {}),
        **({"selector": {"matchLabels": selector}} if selector else {}),
        **({"portLevelMtls": {str(port): {"mode": each} for port, each in ports.items()}} if ports else {}),
    }
    return world.add("PeerAuthentication", name, spec, namespace=namespace)


def mode_of(world, port=80, *, namespace="shop"):
    mesh = world.pod("web-0", namespace=namespace).mesh()
    return pod_mtls(mesh, mesh.pod(namespace, "web-0")).at(port)


def test_without_policies_the_mode_is_permissive_by_default(world):
    found = mode_of(world)
    assert (found.mode, found.place, found.overruled) == ("PERMISSIVE", None, ())


def test_a_workload_policy_comes_before_the_namespace_and_the_mesh(world):
    policy(world, "mesh", "STRICT", namespace=ROOT)
    policy(world, "namespace", "DISABLE")
    policy(world, "workload", "PERMISSIVE", selector={"app": "web"})
    found = mode_of(world)
    assert found.mode == "PERMISSIVE"
    assert found.setter == "PeerAuthentication shop/workload"
    assert [each.name for each in found.overruled] == [
        "PeerAuthentication shop/namespace",
        f"PeerAuthentication {ROOT}/mesh",
    ]


def test_unset_inherits_from_the_next_level(world):
    policy(world, "mesh", "STRICT", namespace=ROOT)
    policy(world, "namespace")
    policy(world, "workload", selector={"app": "web"})
    assert mode_of(world).mode == "STRICT"


def test_the_oldest_policy_of_a_level_counts(world):
    policy(world, "z-older", "STRICT")
    policy(world, "a-younger", "DISABLE")
    found = mode_of(world)
    assert found.mode == "STRICT"
    assert [(each.name, each.why) for each in found.overruled] == [
        ("PeerAuthentication shop/a-younger", "shop/z-older is older")
    ]


def test_a_policy_that_selects_other_pods_does_not_count(world):
    policy(world, "other", "STRICT", selector={"app": "db"})
    assert mode_of(world).mode == "PERMISSIVE"


def test_ports_are_set_by_the_workloads_own_policy_only(world):
    policy(world, "namespace", "STRICT", ports={80: "DISABLE"})
    assert mode_of(world).mode == "STRICT"
    policy(world, "workload", "STRICT", selector={"app": "web"}, ports={80: "DISABLE", 81: "UNSET"})
    assert mode_of(world, 80).mode == "DISABLE"
    assert mode_of(world, 80).setter == "PeerAuthentication shop/workload, port 80"
    assert mode_of(world, 81).mode == "STRICT"
    assert mode_of(world, 82).mode == "STRICT"


def test_selectors_in_the_root_namespace_select_nothing(world):
    policy(world, "selective", "STRICT", namespace=ROOT, selector={"app": "web"})
    assert mode_of(world).mode == "PERMISSIVE"
    assert mode_of(world, namespace=ROOT).mode == "PERMISSIVE"


def test_a_workload_of_the_root_namespace_has_the_mesh_mode(world):
    policy(world, "mesh", "STRICT", namespace=ROOT)
    assert mode_of(world, namespace=ROOT).mode == "STRICT"


@pytest.mark.parametrize(
    ("own", "mesh_wide", "expected"),
    [(None, None, None), ("DISABLE", "STRICT", "DISABLE"), (None, "STRICT", "STRICT"), ("UNSET", None, "PERMISSIVE")],
)
def test_what_clients_assume_of_a_namespace(world, own, mesh_wide, expected):
    if own:
        policy(world, "own", own)
    if mesh_wide:
        policy(world, "mesh", mesh_wide, namespace=ROOT)
    found = namespace_mtls(world.mesh(), "shop")
    assert (found.mode if found else None) == expected


def test_the_root_namespace_itself_has_the_mesh_mode(world):
    policy(world, "mesh", "STRICT", namespace=ROOT)
    found = namespace_mtls(world.mesh(), ROOT)
    assert found is not None
    assert found.mode == "STRICT"
