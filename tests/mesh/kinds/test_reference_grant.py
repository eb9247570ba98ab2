"""ReferenceGrant: who may refer to what."""

import pytest

from analyzer.mesh.kinds.reference_grant import ReferenceGrant

ROUTE = ("gateway.networking.k8s.io", "HTTPRoute", "shop")


@pytest.mark.parametrize(("name", "allowed"), [("", True), ("web", True), ("db", False)])
def test_a_grant_names_one_target_or_all(world, name, allowed):
    target = {"group": "", "kind": "Service", **({"name": name} if name else {})}
    source = {"group": ROUTE[0], "kind": ROUTE[1], "namespace": ROUTE[2]}
    grant = world.add("ReferenceGrant", "g", {"from": [source], "to": [target]}).mesh().of(ReferenceGrant)[0]
    assert grant.allows(ROUTE, ("", "Service", "web")) == allowed


def test_another_source_is_not_granted(world):
    spec = {
        "from": [{"group": ROUTE[0], "kind": "GRPCRoute", "namespace": "shop"}],
        "to": [{"group": "", "kind": "Service"}],
    }
    grant = world.add("ReferenceGrant", "g", spec).mesh().of(ReferenceGrant)[0]
    assert not grant.allows(ROUTE, ("", "Service", "web"))
