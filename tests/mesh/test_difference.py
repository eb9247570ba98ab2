"""What differs between two meshes, and the mesh with some of that as it was before."""

from __future__ import annotations

import pytest

from analyzer.mesh.difference import MESH_CONFIG, changes_between, with_reverted
from analyzer.mesh.kinds.mesh_config import ALLOW_ANY
from analyzer.mesh.kinds.peer_authentication import PeerAuthentication
from analyzer.mesh.load import parse_mesh

STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec:
  mtls:
    mode: STRICT
"""
PERMISSIVE = STRICT.replace("STRICT", "PERMISSIVE")
OTHER = STRICT.replace("default", "other")


def mesh(*documents: str, file="new.yaml"):
    return parse_mesh("---".join(documents), file=file)


def changes(old: str, new: str):
    return changes_between(mesh(old, file="old.yaml"), mesh(new))


def modes(found) -> list[str]:
    return [policy.mtls.mode for policy in found.of(PeerAuthentication)]


def test_equal_meshes_do_not_differ_wherever_their_documents_stand() -> None:
    assert changes_between(mesh(STRICT, OTHER), mesh(OTHER, "\n\n", STRICT, file="elsewhere.yaml")) == ()


def test_a_changed_field_is_one_difference_with_its_line() -> None:
    (change,) = changes(PERMISSIVE, STRICT)

    assert str(change) == "PeerAuthentication shop/default"
    assert str(change.place_of(*change.differences)) == "new.yaml:7:5 (spec.mtls.mode)"
    assert not change.whole


def test_what_is_new_or_gone_is_one_difference_where_its_spec_leads() -> None:
    (come,) = changes("", STRICT)
    (gone,) = changes(STRICT, "")

    assert come.whole
    assert gone.whole
    assert come.place_of(*come.differences).file_line == "new.yaml:7"
    assert gone.place_of(*gone.differences).file_line == "old.yaml:7"


@pytest.mark.parametrize("key", ["resourceVersion: '7'", "generation: 2", "uid: a", "managedFields: [{a: 1}]"])
def test_what_only_the_api_server_keeps_is_no_difference(key: str) -> None:
    assert changes(STRICT, STRICT.replace("namespace: shop", f"namespace: shop, {key}")) == ()


def test_settings_of_the_mesh_are_a_resource_like_any() -> None:
    (change,) = changes(STRICT, f"{STRICT}---\noutboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n")

    assert change.key == MESH_CONFIG
    assert str(change) == "MeshConfig mesh"
    assert change.place_of(*change.differences).field == "outboundTrafficPolicy.mode"


def test_another_name_is_a_difference_of_one_line() -> None:
    (change,) = changes(STRICT, OTHER)

    assert change.whole
    assert change.place_of(*change.differences).field == "metadata.name"


@pytest.mark.parametrize("swap", [False, True])
def test_settings_under_a_name_that_nobody_reads_are_told_at_that_name(swap: bool) -> None:
    name = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: istio\n  namespace: istio-system\n"
    read = f'{name}data:\n  mesh: "outboundTrafficPolicy:\\n  mode: REGISTRY_ONLY\\n"\n'
    unread = read.replace("istio-system", "istio-systemx")
    before, after = (unread, read) if swap else (read, unread)

    (settings,) = (change for change in changes(before, after) if change.key == MESH_CONFIG)

    assert {settings.place_of(each).file_line for each in settings.differences} == {"new.yaml:5"}


def test_a_resource_can_be_taken_back() -> None:
    old, new = mesh(PERMISSIVE), mesh(STRICT)

    assert modes(with_reverted(new, changes_between(old, new))) == ["PERMISSIVE"]


def test_one_that_is_new_goes_and_one_that_is_gone_comes_back() -> None:
    old, new = mesh(STRICT), mesh(OTHER.replace("shop", "data"), PERMISSIVE.replace("default", "third"))

    reverted = with_reverted(new, changes_between(old, new))

    assert [policy.resource.full_name for policy in reverted.of(PeerAuthentication)] == ["shop/default"]


def test_only_some_of_a_resource_can_be_taken_back() -> None:
    old = mesh(PERMISSIVE.replace("spec:", "spec:\n  selector: {matchLabels: {app: a}}"))
    new = mesh(STRICT.replace("spec:", "spec:\n  selector: {matchLabels: {app: b}}"))
    (change,) = changes_between(old, new)
    mode = next(each for each in change.differences if each.path[-1] == "mode")

    (policy,) = with_reverted(new, [change], differences=frozenset({mode})).of(PeerAuthentication)

    assert (policy.mtls.mode, dict(policy.selector)) == ("PERMISSIVE", {"app": "b"})


def test_settings_of_the_mesh_can_be_taken_back() -> None:
    old, new = mesh(STRICT), mesh(STRICT, "\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n")

    assert with_reverted(new, changes_between(old, new)).config.outbound_policy == ALLOW_ANY


def test_what_was_derived_from_the_new_mesh_is_forgotten() -> None:
    old, new = mesh(PERMISSIVE), mesh(STRICT)
    new.memo("asked", lambda: "before")

    assert with_reverted(new, changes_between(old, new)).memo("asked", lambda: "after") == "after"


def test_places_inside_a_changed_resource_are_told_from_others() -> None:
    (change,) = changes("", STRICT)
    inside = mesh(STRICT).resources[0].place("spec", "mtls", "mode")
    outside = mesh("\n" * 20, STRICT).resources[0].place("spec")

    assert change.cited([inside, outside]) == (inside,)
