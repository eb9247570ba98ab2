"""Files and folders to a snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.errors import MeshError
from analyzer.mesh import load
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.load import load_mesh, parse_mesh

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n"


def names(mesh) -> list[str]:
    return [each.name for each in mesh.of(Service)]


def codes(mesh) -> list[str]:
    return [each.code.name for each in mesh.oddities]


def test_a_folder_is_read_recursively_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.yml").write_text(SERVICE.format(name="second"))
    (tmp_path / "a.json").write_text('{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "first"}}')
    (tmp_path / "notes.txt").write_text("not: read")
    (tmp_path / ".hidden.yaml").write_text("not: read")
    mesh = load_mesh([tmp_path])
    assert names(mesh) == ["first", "second"]
    assert mesh.sources == (f"{tmp_path.name}/a.json", f"{tmp_path.name}/b/x.yml")


def test_a_relative_path_is_shown_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mesh").mkdir()
    (tmp_path / "mesh" / "a.yaml").write_text(SERVICE.format(name="web"))
    monkeypatch.chdir(tmp_path)
    mesh = load_mesh(["mesh", "mesh/a.yaml"])
    assert mesh.sources == ("mesh/a.yaml", "mesh/a.yaml")
    assert mesh.of(Service)[0].resource.place().file_line == "mesh/a.yaml:1"


def test_an_absolute_path_is_shown_by_its_last_part(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(SERVICE.format(name="web"))
    assert load_mesh([file]).sources == ("all.yaml",)


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MeshError, match=r"^nowhere: no such file or folder$"):
        load_mesh([tmp_path / "nowhere"])


def test_lists_are_unwrapped_with_the_kind_of_their_items() -> None:
    mesh = parse_mesh(
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n---\n"
        "apiVersion: v1\nkind: ServiceList\nitems:\n- {metadata: {name: b}}\n---\n"
        "- {apiVersion: v1, kind: Service, metadata: {name: c}}\n"
    )
    assert names(mesh) == ["a", "b", "c"]


def test_a_resource_without_namespace_lives_in_default() -> None:
    mesh = parse_mesh("apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
    assert mesh.of(Service)[0].namespace == "default"


def test_unknown_kinds_are_counted() -> None:
    mesh = parse_mesh("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n")
    assert mesh.ignored == (("Deployment", 1),)
    assert mesh.resources == ()


def test_a_kind_of_another_group_is_unknown() -> None:
    mesh = parse_mesh("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web}\n")
    assert mesh.ignored == (("Service", 1),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hello", "a document that is no mapping"),
        ("a: 1", "a mapping without kind"),
        ("apiVersion: v1\nkind: Service\nmetadata: {}", "a Service without a name"),
    ],
)
def test_what_is_no_resource_is_told(text: str, found: str) -> None:
    mesh = parse_mesh(text)
    assert f"found {found}" in str(mesh.oddities[0])


def test_an_empty_document_is_nothing() -> None:
    assert codes(parse_mesh("---\n---\n")) == []


def test_the_same_resource_twice_is_told_and_the_later_counts() -> None:
    mesh = parse_mesh(SERVICE.format(name="web") + "---\n" + SERVICE.format(name="web"))
    assert names(mesh) == ["web"]
    assert str(mesh.oddities[0]) == "mesh.yaml:5:1: Service shop/web was already read from mesh.yaml:1; this one counts"


def test_an_empty_mesh_is_usable_and_told(tmp_path: Path) -> None:
    mesh = load_mesh([tmp_path])
    assert codes(mesh) == ["mesh-empty"]
    assert mesh.root_namespace == "istio-system"


def test_a_file_that_is_no_text_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.yaml").write_text(SERVICE.format(name="web"))
    mesh = load_mesh([tmp_path])
    assert names(mesh) == ["web"]
    assert codes(mesh) == ["mesh-file-unreadable"]


def test_a_file_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MAX_FILE_BYTES", 10)
    (tmp_path / "a.yaml").write_text(SERVICE.format(name="web"))
    assert "larger than 10 bytes" in str(load_mesh([tmp_path]).oddities[0])


def test_what_is_no_regular_file_is_told(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "a.yaml")
    assert "not a regular file" in str(load_mesh([tmp_path]).oddities[0])


def test_settings_come_from_the_config_map_of_istio_system() -> None:
    mesh = parse_mesh(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n"
        "  mesh: |\n    rootNamespace: config\n    outboundTrafficPolicy:\n      mode: REGISTRY_ONLY\n"
    )
    assert mesh.root_namespace == "config"
    assert mesh.config.place("outboundTrafficPolicy", "mode").line == 8


def test_a_quoted_config_map_has_one_place_for_all_settings() -> None:
    mesh = parse_mesh(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n"
        '  mesh: "outboundTrafficPolicy:\\n  mode: REGISTRY_ONLY\\ndiscoverySelectors: [{}]\\n"\n'
    )
    assert mesh.config.outbound_policy == "REGISTRY_ONLY"
    assert mesh.config.place("outboundTrafficPolicy", "mode").line == 5


def test_other_config_maps_are_no_settings() -> None:
    mesh = parse_mesh(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: shop}\ndata: {mesh: 'a: b'}\n"
    )
    assert mesh.config.outbound_policy == "ALLOW_ANY"


@pytest.mark.parametrize("text", ["", "just text"])
def test_settings_that_are_no_mapping_are_the_defaults(text: str) -> None:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
    assert parse_mesh(f"{head}data: {{mesh: '{text}'}}\n").config.auto_mtls


def test_a_bare_mesh_config_is_read() -> None:
    assert parse_mesh("outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n").config.outbound_policy == "REGISTRY_ONLY"


def test_settings_of_their_own_file_come_first(tmp_path: Path) -> None:
    settings = tmp_path / "mesh-config.yaml"
    settings.write_text("rootNamespace: mine\n---\nnot a mapping\n")
    (tmp_path / "a.yaml").write_text(SERVICE.format(name="web") + "---\nrootNamespace: other\n")
    assert load_mesh([tmp_path / "a.yaml"], mesh_config=settings).root_namespace == "mine"


def test_settings_that_do_not_exist_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(MeshError, match="gone"):
        load_mesh([tmp_path], mesh_config=tmp_path / "gone")


def test_settings_of_another_revision_count_where_they_are_the_only_ones():
    head = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: istio-NAME, namespace: istio-system}\n"
    text = head + "data: {mesh: 'rootNamespace: ROOT'}\n"
    canary = text.replace("NAME", "canary").replace("ROOT", "a")
    assert parse_mesh(canary).root_namespace == "a"
    assert (
        parse_mesh(f"{canary}---\n{text.replace('NAME', 'old').replace('ROOT', 'b')}").root_namespace == "istio-system"
    )
    assert parse_mesh(f"{canary}---\n{text.replace('-NAME', '').replace('ROOT', 'c')}").root_namespace == "c"


def test_an_item_that_is_no_resource_is_told_at_its_line():
    (oddity, *_) = parse_mesh(
        "- kind: Namespace\n  apiVersion: v1\n  metadata: {name: a}\n- text\n", file="m.yaml"
    ).oddities
    assert (oddity.code.name, oddity.place.file_line) == ("mesh-no-resource", "m.yaml:4")
