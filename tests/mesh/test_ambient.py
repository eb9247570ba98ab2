"""Which pods are in the ambient mesh."""

from __future__ import annotations

from analyzer.mesh.ambient import enrolment

AMBIENT = {"istio.io/dataplane-mode": "ambient"}
OUT = {"istio.io/dataplane-mode": "none"}


def place_of(world, **pod) -> str | None:
    mesh = world.pod("web-0", **pod).mesh()
    found = enrolment(mesh, mesh.pod("shop", "web-0"))
    return None if found is None else found.field


def test_a_pods_own_label_enrols_it(world) -> None:
    assert place_of(world, sidecar=False, labels=AMBIENT) == "metadata.labels.istio.io/dataplane-mode"


def test_its_namespaces_label_enrols_it(world) -> None:
    world.add("Namespace", "shop", labels=AMBIENT)

    assert place_of(world, sidecar=False) == "metadata.labels.istio.io/dataplane-mode"


def test_a_pod_may_opt_out_of_its_namespace(world) -> None:
    world.add("Namespace", "shop", labels=AMBIENT)

    assert place_of(world, sidecar=False, labels=OUT) is None


def test_a_pod_with_a_sidecar_stays_out(world) -> None:
    assert place_of(world, labels=AMBIENT) is None


def test_a_pod_on_the_hosts_network_stays_out(world) -> None:
    assert place_of(world, sidecar=False, labels=AMBIENT, hostNetwork=True) is None


def test_a_pod_without_any_label_stays_out(world) -> None:
    world.add("Namespace", "shop")

    assert place_of(world, sidecar=False) is None


def test_a_waypoint_belongs_to_it_without_a_label(world) -> None:
    assert place_of(world, proxy=["proxy", "waypoint"]) == "metadata.name"
