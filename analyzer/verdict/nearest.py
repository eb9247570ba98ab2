"""The nearest miss of a call: what would end better if one thing about it were different.

Found by asking the mesh again with that one thing changed, never by what looks alike: a Host that resembles is only the
order in which Hosts are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher

from analyzer.base.fact import Fact, replace
from analyzer.mesh.endpoints import endpoints_of
from analyzer.mesh.kinds.virtual_service import HttpMatch, StringMatch, VirtualService
from analyzer.mesh.port_protocol import UDP
from analyzer.mesh.preset import with_settings
from analyzer.mesh.registry import RegistryPort, RegistryService, services_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import DROPPED, PASSTHROUGH, SERVICE_MATCHED, VERDICTS, Decision
from analyzer.verdict.inbound import MTLS_REQUIRED
from analyzer.verdict.question import Question
from analyzer.verdict.reasons import BLACK_HOLE, BLOCK_ALL

# Questions that are tried of one kind, the likeliest first.
MAX_TRIALS = 24
# Misses that are told of one call.
MAX_MISSES = 3
# How like a name must be to one that was sent, of 1, to have been meant.
LEAST_LIKENESS = 0.6
_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
_SIDECAR_ALPN = ("istio-http/1.1", "istio", "http/1.1")


class Miss(Fact, frozen=True):
    """``condition`` completes "would be ``decision.verdict`` if ..."."""

    condition: str
    decision: Decision

    @property
    def sentence(self) -> str:
        """The whole sentence, with the cluster that the call would reach."""
        outbound = self.decision.outbound
        cluster = f", to {outbound.cluster}" if outbound and outbound.cluster else ""
        return f"would be {self.decision.verdict} if {self.condition}{cluster}"


_Trial = tuple[str, Question]


def nearest_misses(mesh: MeshSnapshot, question: Question, decision: Decision) -> tuple[Miss, ...]:
    """Of each kind of change the first that makes the call end best; empty where it cannot end better, or is open."""
    if decision.verdict in (None, SERVICE_MATCHED):
        return ()
    misses = [miss for tried in _KINDS if (miss := _best(mesh, tried(mesh, question), decision)) is not None]
    if decision.verdict == DROPPED:
        callers = _best(mesh, _callers(mesh, question), decision)
        misses += [callers] if callers and callers.decision.verdict != PASSTHROUGH else []
        misses += _under_other_settings(mesh, question, decision)
    misses.sort(key=_rank_of)
    return tuple(misses[:MAX_MISSES])


def _best(mesh: MeshSnapshot, trials: Iterable[_Trial], decision: Decision) -> Miss | None:
    best: Miss | None = None
    for (condition, question), _ in zip(trials, range(MAX_TRIALS), strict=False):
        found = decide(mesh, question)
        bound = best.decision if best else decision
        if found.verdict is not None and _rank(found) < _rank(bound):
            best = Miss(condition, found)
        if best is not None and best.decision.verdict == SERVICE_MATCHED:
            break
    return best


def _under_other_settings(mesh: MeshSnapshot, question: Question, decision: Decision) -> Iterator[Miss]:
    """What a setting that refused the call would let through if it were milder: asked of a mesh that has it so."""
    server = decision.inbound.pod if decision.inbound else None
    if decision.reason == MTLS_REQUIRED.name and server:
        condition, setting = f"mutual TLS of {server} were PERMISSIVE", f"mtls[{server}]=PERMISSIVE"
    elif decision.reason in (BLACK_HOLE.name, BLOCK_ALL.name):
        condition, setting = "outboundTrafficPolicy were ALLOW_ANY", "outboundTrafficPolicy=ALLOW_ANY"
    else:
        return
    other = mesh.memo(("nearest", setting), lambda: with_settings(mesh, (setting,)))
    found = decide(other, question)
    if found.verdict is not None and _rank(found) < _rank(decision):
        yield Miss(condition, found)


def _rank_of(miss: Miss) -> int:
    return _rank(miss.decision)


def _rank(decision: Decision) -> int:
    return VERDICTS.index(decision.verdict or VERDICTS[-1])


def _hosts(mesh: MeshSnapshot, question: Question) -> Iterator[_Trial]:
    if question.host is None or question.protocol == "tcp":
        return
    with_port = ":" in question.host
    services = [s for s in services_of(mesh) if s.port(question.port) is not None and "*" not in s.hostname]
    owned = {_name(s, question) for s in services if question.address in s.addresses}
    alike = _by_likeness({_name(s, question) for s in services} - owned, question.host.partition(":")[0])
    hosts = [f"{name}:{question.port}" if with_port else name for name in (*sorted(owned), *alike)]
    for host in (host for host in hosts if host != question.host):
        yield f"the Host were {host}", replace(question, host=host)


def _targets(mesh: MeshSnapshot, question: Question) -> Iterator[_Trial]:
    """Services to dial instead: of the pod that was dialled, of the name that was asked for, or on another port."""
    host = (question.host or question.sni or "").partition(":")[0].lower()
    pairs = [(s, p) for s in services_of(mesh) if s.addresses for p in s.ports if p.protocol != UDP]
    dialled = question.address, question.port
    ranked = (
        [pair for pair in pairs if dialled in {(each.address, each.port) for each in endpoints_of(mesh, *pair)}],
        [(s, p) for s, p in pairs if host and host in (s.hostname, _name(s, question))],
        [(s, p) for s, p in pairs if question.address in s.addresses],
    )
    for service, port in (pair for pairs in ranked for pair in pairs):
        if (service.addresses[0], port.number) != dialled:
            yield _dialled(question, service, port)


def _dialled(question: Question, service: RegistryService, port: RegistryPort) -> _Trial:
    name = _name(service, question)
    host = f"{name}:{port.number}" if question.host is not None else None
    address = service.addresses[0].partition("/")[0]
    return f"it called {name}:{port.number}", replace(question, address=address, port=port.number, host=host)


def _server_names(mesh: MeshSnapshot, question: Question) -> Iterator[_Trial]:
    if question.tls == "plaintext":
        return
    names = {s.hostname for s in services_of(mesh) if s.port(question.port) is not None and "*" not in s.hostname}
    for name in _by_likeness(names - {question.sni}, question.sni or ""):
        yield f"the SNI were {name}", replace(question, sni=name)


def _request_lines(mesh: MeshSnapshot, question: Question) -> Iterator[_Trial]:
    """The paths and methods that VirtualServices ask for."""
    asked = dict.fromkeys((_literal(match.uri), _literal(match.method)) for match in _matches(mesh, question))
    for path, method in asked:
        if path and not question.path.startswith(path):
            yield f"the path were {path}", replace(question, path=path)
        if method and method != question.method:
            yield f"the method were {method}", replace(question, method=method)


def _headers(mesh: MeshSnapshot, question: Question) -> Iterator[_Trial]:
    """The headers that VirtualServices ask for."""
    asked = {trial[0]: trial for match in _matches(mesh, question) for trial in _with_headers(question, match)}
    yield from asked.values()


def _matches(mesh: MeshSnapshot, question: Question) -> Iterator[HttpMatch]:
    if question.host is not None:
        yield from (m for each in mesh.of(VirtualService) for rule in each.http for m in rule.matches)


def _with_headers(question: Question, match: HttpMatch) -> Iterator[_Trial]:
    for name, wanted in match.headers:
        value = _literal(wanted)
        if value and name.lower() not in ("host", ":authority"):
            others = tuple(each for each in question.headers if each[0] != name.lower())
            yield f"the header {name} were {value}", replace(question, headers=(*others, (name.lower(), value)))


def _literal(match: StringMatch | None) -> str:
    return match.value if match is not None and match.kind in ("exact", "prefix") else ""


def _methods(_: MeshSnapshot, question: Question) -> Iterator[_Trial]:
    if question.host is not None:
        for method in _METHODS:
            if method != question.method:
                yield f"the method were {method}", replace(question, method=method)


def _transports(mesh: MeshSnapshot, question: Question) -> Iterator[_Trial]:
    pod = mesh.pod(question.namespace, question.pod or "")
    if pod is not None and not pod.has_sidecar and question.tls != "mtls":
        yield "the client had a sidecar, and came by mutual TLS", replace(question, tls="mtls", alpn=_SIDECAR_ALPN)
    if question.tls == "tls":
        yield "it were sent in plaintext", replace(question, tls="plaintext", sni=None, alpn=())
    if question.server_first or question.client_silent:
        yield "the client spoke first", replace(question, server_first=False, client_silent=False)


def _callers(mesh: MeshSnapshot, question: Question) -> Iterator[_Trial]:
    """The pods of other identities; only whom policies ask about makes a difference."""
    if question.direction != "outbound":
        return
    pods = {(pod.namespace, pod.service_account): pod for pod in reversed(mesh.pods) if pod.has_sidecar}
    own = mesh.pod(question.namespace, question.pod or "")
    for (namespace, account), pod in sorted(pods.items()):
        if own is not None and (own.namespace, own.service_account) != (namespace, account):
            condition = f"{pod.full_name} (service account {account}) asked"
            yield condition, replace(question, namespace=namespace, pod=pod.name)


# What may be different, from what a client's owner changes first to what others must.
_KINDS: tuple[Callable[[MeshSnapshot, Question], Iterator[_Trial]], ...] = (
    _hosts,
    _targets,
    _server_names,
    _request_lines,
    _headers,
    _transports,
    _methods,
)


def _name(service: RegistryService, question: Question) -> str:
    """The shortest name under which a pod of the client's namespace finds a service."""
    if not service.kubernetes:
        return service.hostname
    name = service.resource.name
    return name if service.namespace == question.namespace else f"{name}.{service.namespace}"


def _by_likeness(names: Iterable[str], wanted: str) -> list[str]:
    """Those of ``names`` that may be meant by ``wanted``, the likest first."""
    ratios = {name: SequenceMatcher(None, name, wanted, autojunk=False).ratio() for name in names}
    return sorted((name for name in ratios if ratios[name] >= LEAST_LIKENESS), key=lambda name: (-ratios[name], name))
