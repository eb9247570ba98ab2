"""A sidecar's decision by its own configuration dump, held against what the mesh's YAML says that it should be."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.dump.chains import POLICY_FILTERS, DumpedChain
from analyzer.mesh.dump.routes import DumpedRoute
from analyzer.mesh.dump.told import dump_of, told_by_dump
from analyzer.mesh.outbound.listener import choose_chain
from analyzer.mesh.outbound.route import route_matches
from analyzer.mesh.outbound.told import Told
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.decision import Outbound, Step
from analyzer.verdict.dumped_inbound import DUMP_UNMODELLED, is_in_yaml
from analyzer.verdict.findings import DUMP_DIFFERS
from analyzer.verdict.outbound import decide_outbound, first_bytes, sift
from analyzer.verdict.outbound_http import Routing, request_of
from analyzer.verdict.question import Question
from analyzer.verdict.upstream import OutboundDecision


def decide_by_dump(mesh: MeshSnapshot, proxy: Proxy, question: Question) -> OutboundDecision | None:
    """What a sidecar does by its dump, with a step where the YAML says otherwise; None where there is no dump of it."""
    dump = dump_of(mesh, proxy)
    if dump is None:
        return None
    told = told_by_dump(mesh, dump)
    decided = sift(mesh, proxy, question, told)
    unknown = dict(_unknown(told, question))
    if unknown:
        sentence = f"{', '.join(unknown)} of the dump is on the way and not modelled"
        step = Step(sentence, yaml=tuple(unknown.values()))
        missing = (DUMP_UNMODELLED.name,)
        decided = OutboundDecision(decided.outbound, None, None, missing, steps=(*decided.steps, step))
    if is_in_yaml(mesh, proxy.namespace, proxy.pod):
        by_yaml = decide_outbound(mesh, proxy, question)
        if end_of(by_yaml) != end_of(decided) and not unknown:
            decided = replace(decided, steps=(*decided.steps, difference_step(by_yaml)))
    return decided


def end_of(decided: OutboundDecision) -> tuple[object, ...]:
    """What a call moves by: the verdict, the cluster or clusters, and the proxy's own answer."""
    outbound = decided.outbound
    return decided.verdict, outbound.cluster, outbound.clusters, outbound.response


def difference_step(by_yaml: OutboundDecision) -> Step:
    """What to say where the decision by the YAML, this one, is not that of the dump."""
    verdict = by_yaml.verdict or f"undetermined ({', '.join(by_yaml.undetermined)})"
    last = next((step.yaml for step in reversed(by_yaml.steps) if step.yaml), ())
    sentence = f"the mesh's YAML says otherwise: {verdict}, {_where(by_yaml.outbound)}"
    return Step(sentence, yaml=last, aside=True, code=DUMP_DIFFERS.name)


def _where(outbound: Outbound) -> str:
    if outbound.response is not None:
        return f"answered {outbound.response.code or 'by closing'} in {outbound.listener}"
    if outbound.clusters:
        return "split between " + ", ".join(f"{each.cluster} ({each.weight})" for each in outbound.clusters)
    return f"cluster {outbound.cluster}" if outbound.cluster else f"listener {outbound.listener}"


def _unknown(told: Told, question: Question) -> Iterator[tuple[str, YamlPlace]]:
    """What of the dump the call passes and the model does not know, with its place."""
    listener = told.listener_at(question.address, question.port)
    chain = choose_chain(listener, question.address, first_bytes(question))
    if not isinstance(chain, DumpedChain):
        return
    policies = [each.text("name") for each in chain.filters if each.text("name") in POLICY_FILTERS]
    for name in (*chain.unknown, *policies, *(["a TLS context"] if chain.terminates else [])):
        yield name, chain.yaml[0]
    if chain.rds is None:
        return
    routes = told.routes(chain)
    request = request_of(question, Routing(routes))
    host = routes.config.virtual_host(request.host)
    for route in host.routes if host is not None else ():
        if isinstance(route, DumpedRoute) and route_matches(route, request):
            for name in route.unknown:
                yield name, route.yaml[0]
            return
