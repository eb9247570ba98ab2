"""Secrets."""

from __future__ import annotations

from analyzer.mesh.kinds.secret import Secret


def test_only_name_and_type_of_a_secret_are_looked_at(world) -> None:
    mesh = world.add("Secret", "a", type="kubernetes.io/tls", data={"tls.key": "eA=="}).add("Secret", "b").mesh()
    assert [(each.resource.name, each.type) for each in mesh.of(Secret)] == [
        ("a", "kubernetes.io/tls"),
        ("b", "Opaque"),
    ]
