"""VirtualServices that delegate to one that does not exist or is not exported, and delegates nobody names.

pilot/pkg/model/virtualservice_controller.go: a rule whose delegate is missing is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.virtual_service import HttpRule, VirtualService
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import is_visible, virtual_service_exports
from analyzer.verdict.lint.finding import LintFinding, title
from analyzer.verdict.lint.match_index import rule_name

MISSING_DELEGATE = Code(
    "missing-delegate",
    Family.FINDING,
    Level.ERROR,
    "a rule delegates to a VirtualService that cannot take it, and is dropped",
    "A delegate must exist, have no hosts of its own, not delegate further, and be exported to the root's namespace.",
    "Correct the delegate's name and namespace, its hosts or its exportTo.",
)
UNUSED_DELEGATE = Code(
    "unused-delegate",
    Family.FINDING,
    Level.INFO,
    "a VirtualService without hosts to which nobody delegates",
    "Without hosts it only counts as the delegate of another VirtualService, and none names it.",
    "Give it hosts, or name it as a delegate.",
)


def find_delegates(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """Findings about both ends of delegation."""
    known = {vs.key: vs for vs in mesh.of(VirtualService)}
    used: set[tuple[str, str]] = set()
    for root in known.values():
        for rule in root.http:
            if root.hosts and rule.delegate is not None:
                used.add(rule.delegate)
                yield from _missing(mesh, root, rule, known.get(rule.delegate))
    for delegate in known.values():
        if not delegate.hosts and delegate.key not in used:
            about = title(delegate.resource)
            sentence = f"{about}: it has no hosts, and no VirtualService delegates to it"
            yield LintFinding(UNUSED_DELEGATE, about, sentence, (delegate.resource.place("spec"),))


def _missing(
    mesh: MeshSnapshot, root: VirtualService, rule: HttpRule, delegate: VirtualService | None
) -> Iterator[LintFinding]:
    name = "/".join(rule.delegate or ())
    places = (rule.place, *([delegate.resource.place("metadata", "name")] if delegate else []))
    why = _why(mesh, root, delegate)
    if why:
        about = title(root.resource)
        sentence = f"{about}: {rule_name(mesh, rule)} is dropped: its delegate {name} {why}"
        yield LintFinding(MISSING_DELEGATE, about, sentence, places)


def _why(mesh: MeshSnapshot, root: VirtualService, delegate: VirtualService | None) -> str:
    """Why a delegate cannot take the rules of a root; empty where it can."""
    if delegate is None:
        return "does not exist"
    if delegate.hosts:
        return "has hosts of its own, so it is no delegate"
    if not is_visible(virtual_service_exports(mesh, delegate), root.namespace):
        return f"is not exported to namespace {root.namespace}"
    if not delegate.http:
        return "has no http rules"
    return ""
