"""Whether a Gateway API listener that ends TLS has a certificate that istiod accepts (conversion.go buildTLS)."""

from __future__ import annotations

from analyzer.mesh.kinds.kubernetes_gateway import CertificateRef
from analyzer.mesh.kinds.reference_grant import ReferenceGrant
from analyzer.mesh.kinds.secret import TLS_TYPE, Secret
from analyzer.mesh.resource import Resource
from analyzer.mesh.snapshot import MeshSnapshot

GROUP = "gateway.networking.k8s.io"
# Istiod takes an ECDSA and an RSA one.
_MOST = 2


def has_certificate(mesh: MeshSnapshot, owner: Resource, refs: tuple[CertificateRef, ...]) -> bool:
    """Whether one of the references of ``owner``, a Gateway or ListenerSet, leads to a Secret that it may use.

    Secrets are rarely part of an input: one counts as missing only where others of its type in its namespace are there.
    """
    return len(refs) <= _MOST and any(_is_usable(mesh, owner, ref) for ref in refs)


def _is_usable(mesh: MeshSnapshot, owner: Resource, ref: CertificateRef) -> bool:
    if (ref.group, ref.kind) != ("", "Secret"):
        return False
    namespace = ref.namespace or owner.namespace
    if namespace != owner.namespace and not _is_granted(mesh, owner, namespace, ref.name):
        return False
    known = mesh.memo("tls-secrets", lambda: _tls_secrets(mesh)).get(namespace)
    return known is None or ref.name in known


def _is_granted(mesh: MeshSnapshot, owner: Resource, namespace: str, name: str) -> bool:
    source, target = (GROUP, owner.kind, owner.namespace), ("", "Secret", name)
    grants = (grant for grant in mesh.of(ReferenceGrant) if grant.resource.namespace == namespace)
    return any(grant.allows(source, target) for grant in grants)


def _tls_secrets(mesh: MeshSnapshot) -> dict[str, set[str]]:
    """The names of all Secrets, by namespaces that have one for TLS."""
    found: dict[str, set[str]] = {s.resource.namespace: set() for s in mesh.of(Secret) if s.type == TLS_TYPE}
    for secret in mesh.of(Secret):
        if secret.resource.namespace in found:
            found[secret.resource.namespace].add(secret.resource.name)
    return found
