"""What is in the mesh but not in the model, on a call's way: named, and null where it could change the verdict.

``docs/not-modelled.md`` is the page for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.ambient import enrolment
from analyzer.mesh.extension.spot import GATEWAY, SIDECAR_INBOUND, SIDECAR_OUTBOUND, Spot
from analyzer.mesh.inbound.chains import RAW_BUFFER, TLS
from analyzer.mesh.inbound.listener import inbound_port
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.outbound.listener import VIRTUAL_OUTBOUND
from analyzer.mesh.proxy import Proxy, proxy_of
from analyzer.mesh.resource import Resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival, InboundDecision
from analyzer.verdict.decision import Outbound, Step
from analyzer.verdict.question import Question
from analyzer.verdict.settings import with_arrival_settings, with_gateway_settings, with_outbound_settings
from analyzer.verdict.upstream import OutboundDecision

# The modules of these kinds are imported by the functions that meet one: few meshes have any.
if TYPE_CHECKING:
    from analyzer.mesh.kinds.envoy_filter import Patch

ENVOY_FILTER = Code(
    "envoy-filter",
    Family.UNDETERMINED,
    Level.WARNING,
    "an EnvoyFilter could change the verdict",
    "It patches a listener, filter, route or cluster that the call passes, and what it does there is not modelled.",
    "Read the EnvoyFilter that the evidence names; everything else in the decision stands as without it.",
)
WASM_PLUGIN = Code(
    "wasm-plugin",
    Family.UNDETERMINED,
    Level.WARNING,
    "a WasmPlugin or TrafficExtension could change the verdict",
    "The call passes code of the user's own in an Envoy, which may answer, refuse or change it.",
    "Read the extension that the evidence names; everything else in the decision stands as without it.",
)
AMBIENT = Code(
    "ambient",
    Family.UNDETERMINED,
    Level.WARNING,
    "a pod on the way is in the ambient mesh",
    "A ztunnel takes its traffic, perhaps a waypoint; their decisions are not modelled.",
    "Ask the ztunnel: istioctl ztunnel-config, and its log.",
)

VIRTUAL_INBOUND = "virtualInbound"
# Environment variables of the proxy that the model reads from the pod.
_MODELLED_ENVIRONMENT = ("ISTIO_META_DNS_CAPTURE", "ISTIO_META_HTTP10", "ISTIO_META_UNPRIVILEGED_POD")
# The kinds that this module looks for; a mesh without any of them has no caveats.
_BESIDE_THE_MODEL = ("EnvoyFilter", "TrafficExtension", "ProxyConfig", "NetworkPolicy")
# A step names at most so many of one kind.
_MAX_NAMED = 8


class Caveats(Fact, frozen=True):
    """Steps of what changes nothing (``asides``), steps of what could change the verdict, and the codes for these."""

    asides: tuple[Step, ...] = ()
    doubts: tuple[Step, ...] = ()
    undetermined: tuple[str, ...] = ()


def caveats_at(mesh: MeshSnapshot, proxy: Proxy, spot: Spot) -> Caveats:
    """What stands in the mesh input beside the model for a call at ``spot`` of ``proxy``."""
    from analyzer.mesh.extension.patches import may_decide
    from analyzer.mesh.extension.plugins import plugins_at

    doubts: list[Step] = []
    asides = list(_environment(mesh, proxy))
    codes: list[str] = []
    for resource, patches in _by_filter(mesh, proxy, spot).items():
        deciding = [patch for patch in patches if may_decide(patch, spot)]
        (doubts if deciding else asides).append(_filter_step(resource, deciding or patches, deciding=bool(deciding)))
        codes += [ENVOY_FILTER.name] if deciding else []
    for plugin in plugins_at(mesh, proxy, spot):
        sentence = f"{plugin.resource.kind} {plugin.resource.full_name} runs code on the call that is not modelled"
        doubts.append(Step(sentence, yaml=(plugin.place,)))
        codes.append(WASM_PLUGIN.name)
    return Caveats(tuple(asides), tuple(doubts), tuple(dict.fromkeys(codes)))


def with_outbound_caveats(
    mesh: MeshSnapshot, proxy: Proxy, question: Question, decided: OutboundDecision
) -> OutboundDecision:
    """A sidecar's decision with what the model leaves out of it."""
    decided = with_outbound_settings(mesh, proxy, question, decided)
    if _is_plain(mesh):
        return decided
    virtual = decided.outbound.listener == VIRTUAL_OUTBOUND
    port = 0 if virtual else question.port
    spot = _outbound_spot(decided.outbound, SIDECAR_OUTBOUND, port, question.port, question.tls, question.sni)
    asides = _network(mesh, proxy.namespace, proxy.label_map, inward=False)
    return _with(decided, caveats_at(mesh, proxy, spot), asides)


def with_gateway_caveats(mesh: MeshSnapshot, arrival: Arrival, decided: OutboundDecision) -> OutboundDecision:
    """A gateway's decision with what the model leaves out of it."""
    decided = with_gateway_settings(mesh, arrival, decided)
    if _is_plain(mesh):
        return decided
    pod = arrival.pod
    spot = _outbound_spot(decided.outbound, GATEWAY, arrival.port, arrival.port, arrival.tls, arrival.sni)
    asides = _network(mesh, pod.namespace, pod.labels, inward=True)
    return _with(decided, caveats_at(mesh, proxy_of(mesh, pod), spot), asides)


def with_arrival_caveats(mesh: MeshSnapshot, arrival: Arrival, decided: InboundDecision) -> InboundDecision:
    """What a pod's sidecar does with an arrival, with what the model leaves out of it."""
    decided = with_arrival_settings(mesh, arrival, decided)
    if _is_plain(mesh):
        return decided
    pod = arrival.pod
    found = caveats_at(mesh, proxy_of(mesh, pod), _inbound_spot(mesh, arrival, decided))
    asides = *found.asides, *_network(mesh, pod.namespace, pod.labels, inward=True)
    told = replace(decided, steps=(*asides, *decided.steps))
    return told.doubted(found.undetermined, found.doubts) if found.undetermined else told


def with_ambient(mesh: MeshSnapshot, pod: Pod, decided: InboundDecision) -> InboundDecision:
    """What becomes of a connection that no sidecar takes: nothing is known of it where a ztunnel does."""
    step = ambient_step(mesh, pod)
    if step is None:
        return decided
    return replace(decided, undetermined=(AMBIENT.name,), steps=(*decided.steps, step))


def ambient_step(mesh: MeshSnapshot, pod: Pod) -> Step | None:
    """The step that says that a pod is in the ambient mesh, or None where it is not."""
    place = enrolment(mesh, pod)
    if place is None:
        return None
    what = "is a waypoint" if pod.is_waypoint else "is in the ambient mesh: a ztunnel takes its traffic"
    return Step(f"{pod.full_name} {what}, which is not modelled", yaml=(place,))


def _is_plain(mesh: MeshSnapshot) -> bool:
    return not mesh.has(*_BESIDE_THE_MODEL)


def _outbound_spot(outbound: Outbound, context: str, port: int, traffic_port: int, tls: str, sni: str | None) -> Spot:
    return Spot(
        context=context,
        listener=outbound.listener or "",
        port=port,
        traffic_port=traffic_port,
        http=outbound.route_config is not None,
        transport=RAW_BUFFER if tls == "plaintext" else TLS,
        sni=sni,
        filter_chain=outbound.filter_chain,
        route_config=outbound.route_config,
        virtual_host=outbound.virtual_host,
        route=outbound.route,
        cluster=outbound.cluster,
    )


def _inbound_spot(mesh: MeshSnapshot, arrival: Arrival, decided: InboundDecision) -> Spot:
    """The names of the way in are always the same: one route configuration, host and route for each port."""
    port = inbound_port(mesh, arrival.pod, arrival.port)
    spoken = arrival.protocol != "tcp" and arrival.tls in ("plaintext", "mtls")
    return Spot(
        context=SIDECAR_INBOUND,
        listener=VIRTUAL_INBOUND,
        port=arrival.port if port.declared else 0,
        traffic_port=arrival.port,
        http=any(chain.http for chain in port.chains) and spoken,
        transport=RAW_BUFFER if arrival.tls == "plaintext" else TLS,
        sni=arrival.sni,
        filter_chain=decided.inbound.filter_chain if decided.inbound else None,
        route_config=port.cluster,
        virtual_host=f"inbound|http|{arrival.port if port.declared else 0}",
        route="default",
        cluster=port.cluster,
    )


def _with(decided: OutboundDecision, found: Caveats, more: tuple[Step, ...]) -> OutboundDecision:
    told = replace(decided, steps=(*found.asides, *more, *decided.steps))
    return told.doubted(found.undetermined, found.doubts) if found.undetermined else told


def _by_filter(mesh: MeshSnapshot, proxy: Proxy, spot: Spot) -> Mapping[Resource, list[Patch]]:
    from analyzer.mesh.extension.patches import patches_at

    found: dict[Resource, list[Patch]] = {}
    for envoy_filter, patch in patches_at(mesh, proxy, spot):
        found.setdefault(envoy_filter.resource, []).append(patch)
    return found


def _filter_step(resource: Resource, patches: list[Patch], *, deciding: bool) -> Step:
    what = ", ".join(dict.fromkeys(str(patch) for patch in patches[:_MAX_NAMED]))
    weight = "which is not modelled and could change the verdict" if deciding else "which changes no verdict"
    places = tuple(patch.place for patch in patches[:_MAX_NAMED])
    return Step(f"EnvoyFilter {resource.full_name} patches the call's way ({what}), {weight}", (), places,
                aside=not deciding)  # fmt: skip


def _environment(mesh: MeshSnapshot, proxy: Proxy) -> Iterator[Step]:
    """ProxyConfigs that set what the pod was not made with: they hold from its next start on."""
    from analyzer.mesh.extension.selected import proxy_configs

    configs = proxy_configs(mesh, proxy)
    if not configs:
        return
    pod = mesh.pod(proxy.namespace, proxy.pod) if proxy.pod else None
    own = pod.proxy.environment if pod is not None and pod.proxy is not None else {}
    for config in configs:
        differing = [
            n for n in _MODELLED_ENVIRONMENT if n in config.environment and own.get(n) != config.environment[n]
        ]
        if differing:
            settings = ", ".join(f"{name}={config.environment[name]}" for name in differing)
            sentence = f"ProxyConfig {config.resource.full_name} sets {settings}, which the pod was not started with"
            place: YamlPlace = config.resource.place("spec", "environmentVariables", differing[0])
            yield Step(sentence, yaml=(place,), aside=True)


def _network(mesh: MeshSnapshot, namespace: str, labels: Mapping[str, str], *, inward: bool) -> tuple[Step, ...]:
    """The NetworkPolicies of a pod: the cluster's network enforces them, istiod does not know them."""
    from analyzer.mesh.kinds.network_policy import EGRESS, INGRESS, NetworkPolicy

    direction = INGRESS if inward else EGRESS
    policies = [
        policy
        for policy in mesh.views.get(NetworkPolicy, ())
        if policy.resource.namespace == namespace and direction in policy.directions and policy.selector.matches(labels)
    ]
    if not policies:
        return ()
    names = ", ".join(policy.resource.full_name for policy in policies[:_MAX_NAMED])
    what = "reach the pod" if inward else "be reached by the pod"
    places = tuple(policy.resource.place("metadata", "name") for policy in policies[:_MAX_NAMED])
    return (Step(f"NetworkPolicy {names} also says what may {what}; no Envoy is asked", yaml=places, aside=True),)
