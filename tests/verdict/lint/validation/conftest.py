"""What a check says of one object, as ``field: what``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from analyzer.mesh.load import parse_mesh
from analyzer.mesh.resource import Resource
from analyzer.verdict.lint.validation.refusal import Refusal

GROUPS = {
    "AuthorizationPolicy": "security.istio.io/v1",
    "PeerAuthentication": "security.istio.io/v1",
    "RequestAuthentication": "security.istio.io/v1",
}


@pytest.fixture
def resource() -> Callable[..., Resource]:
    """A resource ``shop/x`` of a kind with a spec."""

    def build(kind: str, name: str = "x", **spec: Any) -> Resource:
        document = {
            "apiVersion": GROUPS.get(kind, "networking.istio.io/v1"),
            "kind": kind,
            "metadata": {"name": name, "namespace": "shop"},
            "spec": spec,
        }
        return parse_mesh(json.dumps(document)).resources[0]

    return build


@pytest.fixture
def refusals(resource) -> Callable[..., list[str]]:
    """Why ``check`` refuses an object of a kind with a spec."""

    def run(check: Callable[[Resource], Iterable[Refusal]], kind: str, **spec: Any) -> list[str]:
        return [f"{each.place.field}: {each.what}" for each in check(resource(kind, **spec))]

    return run
