"""Certificates of Gateway API listeners."""

from __future__ import annotations

import pytest

from analyzer.mesh.gateway.certificates import has_certificate
from analyzer.mesh.kinds.kubernetes_gateway import CertificateRef, KubernetesGateway

API = "gateway.networking.k8s.io/v1"


def ref(name="cert", *, namespace="", kind="Secret", group="") -> CertificateRef:
    return CertificateRef(group, kind, namespace, name)


@pytest.fixture
def accepted(edge, listener):
    """Whether references of a Gateway in ``edge`` are accepted."""

    def tell(*refs) -> bool:
        mesh = edge.api_gateway("gw", listener()).mesh()
        return has_certificate(mesh, mesh.of(KubernetesGateway)[0].resource, refs)

    return tell


def secret(edge, name, namespace="edge", kind="kubernetes.io/tls"):
    edge.world.add("Secret", name, namespace=namespace, type=kind, api="v1")


def grant(edge, kind="Gateway", **target):
    sources = [{"group": "gateway.networking.k8s.io", "kind": kind, "namespace": "edge"}]
    spec = {"from": sources, "to": [{"group": "", "kind": "Secret", **target}]}
    edge.world.add("ReferenceGrant", "grant", spec, namespace="pay", api=API)


def test_a_secret_is_taken_to_be_there_where_the_input_has_none(accepted) -> None:
    assert accepted(ref())


def test_without_a_reference_there_is_no_certificate(accepted) -> None:
    assert not accepted()


@pytest.mark.parametrize(("name", "there"), [("cert", True), ("other", False)])
def test_a_secret_is_missing_where_others_for_tls_of_its_namespace_are_there(edge, accepted, name, there) -> None:
    secret(edge, "cert")
    assert accepted(ref(name)) is there


def test_secrets_of_other_types_prove_nothing(edge, accepted) -> None:
    secret(edge, "password", kind="Opaque")
    assert accepted(ref())


@pytest.mark.parametrize("wrong", [{"kind": "ConfigMap"}, {"group": "example.com"}])
def test_only_secrets_are_certificates(accepted, wrong: dict[str, str]) -> None:
    assert not accepted(ref(**wrong))
    assert accepted(ref(**wrong), ref())


def test_more_than_two_are_refused(accepted) -> None:
    assert not accepted(ref("a"), ref("b"), ref("c"))


@pytest.mark.parametrize(
    ("kind", "target", "there"),
    [
        ("Gateway", {}, True),
        ("Gateway", {"name": "cert"}, True),
        ("Gateway", {"name": "x"}, False),
        ("HTTPRoute", {}, False),
    ],
)
def test_a_secret_of_another_namespace_needs_a_grant(edge, accepted, kind: str, target, there: bool) -> None:
    grant(edge, kind, **target)
    assert accepted(ref(namespace="pay")) is there


def test_without_a_grant_a_secret_of_another_namespace_is_not_used(accepted) -> None:
    assert not accepted(ref(namespace="pay"))
    assert accepted(ref(namespace="edge"))
