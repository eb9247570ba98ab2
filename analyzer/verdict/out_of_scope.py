"""A service that the mesh has and the client's proxy is not told of: why the call looks like one to a stranger."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.endpoints import endpoints_of
from analyzer.mesh.outbound.scope import Scope, scope_of
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import RegistryService, services_by_host, services_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import services_visible_to
from analyzer.verdict.decision import Step
from analyzer.verdict.question import Question

OUT_OF_SCOPE = Code(
    "out-of-scope",
    Family.FINDING,
    Level.WARNING,
    "the client's proxy is not told of the service that is meant",
    "The mesh has it, but the egress hosts of a Sidecar, or the service's own exportTo, keep it from this client. To "
    "its proxy the call is one to a stranger.",
    "Add the host to spec.egress[].hosts of the Sidecar, or export the service to the client's namespace.",
)


def scope_step(mesh: MeshSnapshot, proxy: Proxy, question: Question) -> Step | None:
    """The step that names the service which a call means and its proxy does not know; None where there is none such."""
    scope = scope_of(mesh, proxy)
    meant = list(_meant(mesh, proxy, question))
    if not meant or any(service.hostname in scope.services for service in meant):
        return None
    first = meant[0]
    visible = any(each is first for each in services_visible_to(mesh, proxy.namespace))
    return _hidden_by_sidecar(scope, first) if visible and scope.sidecar else _not_exported(proxy, first)


def _hidden_by_sidecar(scope: Scope, service: RegistryService) -> Step:
    assert scope.sidecar is not None
    resource = scope.sidecar.resource
    sentence = f"{_name(service)} is meant, which Sidecar {resource.full_name} leaves out of its egress hosts"
    return Step(sentence, yaml=(resource.place("spec", "egress"), service.place), code=OUT_OF_SCOPE.name)


def _not_exported(proxy: Proxy, service: RegistryService) -> Step:
    sentence = f"{_name(service)} is meant, which is not exported to namespace {proxy.namespace}"
    return Step(sentence, yaml=(service.place,), code=OUT_OF_SCOPE.name)


def _name(service: RegistryService) -> str:
    return f"{service.resource.kind} {service.resource.full_name}"


def _meant(mesh: MeshSnapshot, proxy: Proxy, question: Question) -> Iterator[RegistryService]:
    """The services on the dialled port that are named, own the address, or are headless and have it behind them."""
    names = _names_of((question.host or question.sni or "").partition(":")[0].lower(), proxy.namespace)
    named = [service for name in names for service in services_by_host(mesh).get(name, ())]
    yield from (each for each in named if each.port(question.port) is not None)
    for service in services_of(mesh):
        port = service.port(question.port)
        if port is None:
            continue
        behind = service.headless and any(e.address == question.address for e in endpoints_of(mesh, service, port))
        if behind or question.address in service.addresses:
            yield service


def _names_of(host: str, namespace: str) -> tuple[str, ...]:
    """The host as it is, and as the resolver of a pod of the namespace completes it."""
    if not host:
        return ()
    return host, f"{host}.{namespace}.svc.cluster.local", f"{host}.svc.cluster.local", f"{host}.cluster.local"
