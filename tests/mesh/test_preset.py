"""Changes of a mesh without YAML."""

from __future__ import annotations

import pytest

from analyzer.base.errors import UsageError
from analyzer.mesh.difference import changes_between
from analyzer.mesh.inbound.mtls import pod_mtls
from analyzer.mesh.kinds.mesh_config import REGISTRY_ONLY
from analyzer.mesh.preset import with_settings


def mode_of(mesh, pod: str) -> str:
    return pod_mtls(mesh, mesh.pod(*pod.split("/"))).overall.mode


def places(old, new) -> list[str]:
    return [str(c.place_of(d)) for c in changes_between(old, new) for d in c.differences]


def test_the_outbound_policy_can_be_set(market) -> None:
    old = market.mesh()

    new = with_settings(old, ["outboundTrafficPolicy=REGISTRY_ONLY"])

    assert new.config.outbound_policy == REGISTRY_ONLY
    assert places(old, new) == ["--set outboundTrafficPolicy=REGISTRY_ONLY (outboundTrafficPolicy.mode)"]


def test_settings_that_stand_in_yaml_keep_their_place(market) -> None:
    old = market.settings(outboundTrafficPolicy={"mode": "REGISTRY_ONLY"}).mesh()

    (place,) = places(old, with_settings(old, ["outboundTrafficPolicy=ALLOW_ANY"]))

    assert place.startswith("town.yaml:")


@pytest.mark.parametrize(
    ("text", "strict"),
    [
        ("mtls=STRICT", {"shop/web-0", "shop/db-0"}),
        ("mtls[shop]=STRICT", {"shop/web-0", "shop/db-0"}),
        ("mtls[shop/web-0]=STRICT", {"shop/web-0"}),
        ("mtls[data]=STRICT", set()),
    ],
)
def test_mutual_tls_can_be_set_for_mesh_namespace_and_workload(market, text: str, strict: set[str]) -> None:
    mesh = with_settings(market.entry("data/ext", ["a.example"], ["http:80:HTTP"]).mesh(), [text])

    assert {pod for pod in ("shop/web-0", "shop/db-0") if mode_of(mesh, pod) == "STRICT"} == strict


def test_the_policy_that_decides_is_the_one_that_is_set(market) -> None:
    old = market.security("PeerAuthentication", "shop/own", mtls={"mode": "PERMISSIVE"}).mesh()

    new = with_settings(old, ["mtls[shop]=STRICT"])

    assert mode_of(new, "shop/web-0") == "STRICT"
    assert [place.rpartition(" ")[2] for place in places(old, new)] == ["(spec.mtls.mode)"]


def test_a_sidecar_can_be_taken_away(market) -> None:
    mesh = with_settings(market.mesh(), ["sidecar[shop/web-0]=none"])

    pods = {pod.full_name: (pod.has_sidecar, "security.istio.io/tlsMode" in pod.labels) for pod in mesh.pods}
    assert pods["shop/web-0"] == (False, False)
    assert pods["shop/web-1"] == (True, True)


def test_what_is_exported_can_be_set(market) -> None:
    market.entry("shop/ext", ["a.example"], ["http:80:HTTP"])

    mesh = with_settings(market.mesh(), ["exportTo[shop]=., data"])

    found = {r.full_name: r for r in mesh.resources}
    assert found["shop/web"].annotations["networking.istio.io/exportTo"] == "., data"
    assert found["shop/ext"].spec.texts("exportTo") == (".", "data")


def test_settings_follow_one_another(market) -> None:
    mesh = with_settings(market.mesh(), ["mtls=STRICT", "mtls[shop]=PERMISSIVE"])

    assert mode_of(mesh, "shop/web-0") == "PERMISSIVE"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mtls", "expected NAME=VALUE"),
        ("colour=red", "NAME one of outboundTrafficPolicy, mtls, sidecar, exportTo"),
        ("mtls=LOOSE", "expected one of STRICT, PERMISSIVE, DISABLE"),
        ("mtls[shop/ghost]=STRICT", "the mesh has nothing that it is for$"),
        ("mtls[shp]=STRICT", "nothing that it is for; is it 'shop'?"),
        ("mtls[shop/web-O]=STRICT", "is it 'shop/web-[01]'?"),
        ("mtls=STRCT", "expected one of STRICT, PERMISSIVE, DISABLE; is it 'STRICT'?"),
        ("outboundTraficPolicy=REGISTRY_ONLY", "is it 'outboundTrafficPolicy'?"),
        ("sidecar[shop/ghost]=none", "the mesh has nothing that it is for$"),
        ("exportTo[shop/wob]=.", "is it 'shop/web'?"),
        ("exportTo[shop/web]=shop,,data", "found '', expected '.', '[*]', '~' or a namespace"),
        ("sidecar[shop/web-0]=some", "expected one of none"),
        ("outboundTrafficPolicy[shop]=ALLOW_ANY", "only a Sidecar resource"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(market, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        with_settings(market.mesh(), [text])
