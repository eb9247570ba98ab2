"""A gateway's decision by its own configuration dump, held against what the mesh's YAML says that it should be."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.dump.gateway import DumpedGatewayChain, dumped_gateway_listener
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.dump.routes import DumpedRoute
from analyzer.mesh.dump.told import dump_of, told_by_dump
from analyzer.mesh.gateway.listeners import GatewayChain
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.outbound.told import Routes
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival
from analyzer.verdict.decision import Step
from analyzer.verdict.dumped import difference_step, end_of
from analyzer.verdict.dumped_inbound import DUMP_UNMODELLED, is_in_yaml, outcome_of_chain
from analyzer.verdict.gateway import GatewayTold, decide_gateway
from analyzer.verdict.inbound_policy import PolicyOutcome
from analyzer.verdict.upstream import OutboundDecision


def decide_gateway_by_dump(mesh: MeshSnapshot, arrival: Arrival) -> OutboundDecision | None:
    """What a gateway does by its dump, with a step where the YAML says otherwise; None where there is no dump of it."""
    pod = arrival.pod
    dump = dump_of(mesh, proxy_of(mesh, pod))
    if dump is None:
        return None
    told = gateway_told_by_dump(mesh, dump, pod)
    decided = decide_gateway(mesh, arrival, told)
    decided = replace(decided, steps=(_told_step(dump), *decided.steps))
    unknown = dict(_unknown(told, decided, arrival))
    if unknown:
        step = Step(f"{', '.join(unknown)} of the dump is on the way and not modelled", yaml=tuple(unknown.values()))
        missing = (DUMP_UNMODELLED.name,)
        return OutboundDecision(decided.outbound, None, None, missing, steps=(*decided.steps, step))
    if decided.undetermined == (DUMP_UNMODELLED.name,) or not is_in_yaml(mesh, pod.namespace, pod.name):
        return decided
    by_yaml = decide_gateway(mesh, arrival)
    if end_of(by_yaml) == end_of(decided):
        return decided
    return replace(decided, steps=(*decided.steps, difference_step(by_yaml)))


def gateway_told_by_dump(mesh: MeshSnapshot, dump: ProxyDump, pod: Pod) -> GatewayTold:
    """What the gateway of a dump has been told; the mesh names its services and pods."""
    way_out = told_by_dump(mesh, dump)

    def routes(chain: GatewayChain) -> Routes:
        assert isinstance(chain, DumpedGatewayChain)
        return way_out.routes(chain.dumped)

    def policies(chain: GatewayChain, subject: Subject) -> PolicyOutcome:
        assert isinstance(chain, DumpedGatewayChain)
        return outcome_of_chain(mesh, pod, chain.dumped, subject)

    return GatewayTold(
        listener_at=lambda address, port: mesh.memo(
            ("dump-gateway-listener", dump.namespace, dump.pod, address, port),
            lambda: dumped_gateway_listener(dump, address, port),
        ),
        routes=routes,
        cluster=way_out.cluster,
        policies=policies,
        rejected=lambda _: (),
    )


def _told_step(dump: ProxyDump) -> Step:
    return Step(f"{dump.pod} is judged by its own configuration, dumped in {dump.place.file}", yaml=(dump.place,))


def _unknown(told: GatewayTold, decided: OutboundDecision, arrival: Arrival) -> Iterator[tuple[str, YamlPlace]]:
    """What of the route that was taken the model does not know, with its place."""
    outbound = decided.outbound
    listener = told.listener_at(arrival.address, arrival.port)
    for chain in listener.chains if listener is not None else ():
        if not isinstance(chain, GatewayChain) or chain.rds is None or chain.rds != outbound.route_config:
            continue
        config = told.routes(chain).config
        hosts = {
            host.name: host for host in (*config.exact.values(), *config.suffixes.values(), config.catch_all) if host
        }
        host = hosts.get(outbound.virtual_host or "")
        for route in host.routes if host is not None else ():
            if isinstance(route, DumpedRoute) and route.name == outbound.route and route.unknown:
                yield from ((name, route.yaml[0]) for name in route.unknown)
        return
