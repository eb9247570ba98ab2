"""Pods are found by namespace and label without a walk over all of them."""

from __future__ import annotations

from analyzer.mesh.load import parse_mesh
from analyzer.mesh.pod_labels import has_pod_with_labels, pods_in, pods_with_labels

MESH = "\n---\n".join(
    f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}}}"
    for namespace, name, labels in (
        ("shop", "b", "{app: cart, version: v1}"),
        ("shop", "a", "{app: cart, version: v2}"),
        ("pay", "c", "{app: cart}"),
        ("pay", "d", "{}"),
    )
)


def names(pods) -> list[str]:
    return [pod.name for pod in pods]


def test_pods_of_a_namespace_come_in_the_order_of_the_input():
    mesh = parse_mesh(MESH)

    assert names(pods_in(mesh, "shop")) == ["b", "a"]
    assert names(pods_in(mesh, "elsewhere")) == []


def test_every_label_must_be_there():
    mesh = parse_mesh(MESH)

    assert names(pods_with_labels(mesh, "shop", {"app": "cart"})) == ["b", "a"]
    assert names(pods_with_labels(mesh, "shop", {"app": "cart", "version": "v2"})) == ["a"]
    assert names(pods_with_labels(mesh, "shop", {"app": "cart", "tier": "back"})) == []


def test_without_a_namespace_all_pods_are_asked():
    mesh = parse_mesh(MESH)

    assert names(pods_with_labels(mesh, None, {"app": "cart"})) == ["b", "a", "c"]


def test_no_labels_select_every_pod():
    mesh = parse_mesh(MESH)

    assert names(pods_with_labels(mesh, None, {})) == ["b", "a", "c", "d"]
    assert names(pods_with_labels(mesh, "pay", {})) == ["c", "d"]


def test_whether_there_is_one_needs_no_list():
    mesh = parse_mesh(MESH)

    assert has_pod_with_labels(mesh, "shop", {"app": "cart", "version": "v2"})
    assert not has_pod_with_labels(mesh, "shop", {"app": "cart", "version": "v3"})
    assert has_pod_with_labels(mesh, "pay", {})
    assert not has_pod_with_labels(mesh, "elsewhere", {})
