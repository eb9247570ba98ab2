"""Objects that Istio's validation refuses, so that the cluster does not have them as they stand here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds import NETWORKING, SECURITY
from analyzer.mesh.resource import Resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, title
from analyzer.verdict.lint.validation.choices import check_choices
from analyzer.verdict.lint.validation.destination_rule import check_destination_rule
from analyzer.verdict.lint.validation.gateway import check_gateway
from analyzer.verdict.lint.validation.policies import (
    check_authorization_policy,
    check_peer_authentication,
    check_request_authentication,
)
from analyzer.verdict.lint.validation.refusal import Refusal
from analyzer.verdict.lint.validation.service_entry import check_service_entry, check_workload_entry
from analyzer.verdict.lint.validation.sidecar import check_sidecar
from analyzer.verdict.lint.validation.virtual_service import check_virtual_service

REFUSED_OBJECT = Code(
    "refused-object",
    Family.FINDING,
    Level.ERROR,
    "Istio's validation refuses an object",
    "The admission webhook and the schemas of Istio's resources do not let it into a cluster; what runs there is an "
    "older version of it, or nothing.",
    "Correct the field.",
)

# By API group and kind, the checks that admission makes.
CHECKS: Mapping[tuple[str, str], Callable[[Resource], Iterable[Refusal]]] = {
    (NETWORKING, "DestinationRule"): check_destination_rule,
    (NETWORKING, "Gateway"): check_gateway,
    (NETWORKING, "ServiceEntry"): check_service_entry,
    (NETWORKING, "Sidecar"): check_sidecar,
    (NETWORKING, "VirtualService"): check_virtual_service,
    (NETWORKING, "WorkloadEntry"): check_workload_entry,
    (SECURITY, "AuthorizationPolicy"): check_authorization_policy,
    (SECURITY, "PeerAuthentication"): check_peer_authentication,
    (SECURITY, "RequestAuthentication"): check_request_authentication,
}


def find_refused_objects(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each reason to refuse an object."""
    for resource in mesh.resources:
        check = CHECKS.get((resource.group, resource.kind))
        for refusal in (*check(resource), *check_choices(resource)) if check is not None else ():
            about = title(resource)
            where = refusal.place.field.removeprefix("spec.")
            sentence = f"{about}: {where}: {refusal.what}" if where else f"{about}: {refusal.what}"
            yield LintFinding(REFUSED_OBJECT, about, sentence, (refusal.place,))
