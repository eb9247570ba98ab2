"""What a person should look at, heaviest first: contradictions, drops, calls past the mesh, gaps in the evidence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.flow.connection import Endpoint
from analyzer.verdict.decision import DROPPED, PASSTHROUGH, Decision, Step
from analyzer.verdict.inbound import NOBODY_BEGINS
from analyzer.verdict.out_of_scope import OUT_OF_SCOPE
from analyzer.verdict.reasons import PASSTHROUGH_CLUSTER
from analyzer.verdict.record import CallRecord, Finding, Observed

CONTRADICTION = Code(
    "contradiction",
    Family.FINDING,
    Level.ERROR,
    "the packets contradict the mesh's YAML",
    "The model says what istiod would configure from this YAML; the packets show that something else happened.",
    "Look for a proxy that has not received its configuration (istioctl proxy-status), an EnvoyFilter, or YAML that is "
    "not what the cluster runs. If all of these are excluded, it is a mistake of ours: please report it.",
)
DROPPED_CALL = Code(
    "dropped-call",
    Family.FINDING,
    Level.ERROR,
    "the mesh drops the call",
    "An Envoy refuses the call by itself; no application sees it.",
)
PASSTHROUGH_CALL = Code(
    "passthrough-call",
    Family.FINDING,
    Level.WARNING,
    "the call goes past the mesh's services",
    "The destination matches nothing that the client's proxy knows, or the proxy is not asked; no route, retry, policy "
    "by name or telemetry applies.",
)
UNDETERMINED_CALL = Code(
    "undetermined-call",
    Family.FINDING,
    Level.INFO,
    "the evidence does not settle the verdict",
    "What is missing is named; nothing is guessed.",
)
DUMP_DIFFERS = Code(
    "dump-differs",
    Family.FINDING,
    Level.WARNING,
    "the proxy's own configuration is not what the mesh's YAML says",
    "By its configuration dump the sidecar decides otherwise than istiod would have it by this YAML. The verdict is by "
    "the dump.",
    "Look for a proxy that has not received its configuration (istioctl proxy-status), an EnvoyFilter, or YAML that is "
    "not what the cluster runs.",
)

# The order in which findings weigh among equals.
FINDING_CODES = (CONTRADICTION, NOBODY_BEGINS, DROPPED_CALL, PASSTHROUGH_CALL, UNDETERMINED_CALL, DUMP_DIFFERS)
# A finding cites at most this many packets; the calls that it names lead to the rest.
CITED_PACKETS = 3
# ... and names at most this many clients, and this many targets.
_NAMED = 3
# Outcomes of a call that nobody answered.
_UNANSWERED = frozenset({"no-answer", "open", "closed", "reset"})
# Servers that speak first do so at once; a client that waits so long waits in vain.
_WAITED_NS = 1_000_000_000

# Rank, client, what the calls are about, and why they are found.
_Key = tuple[int, str, str, str]


class Mark(Fact, frozen=True):
    """What a finding needs of a call: its id, what it sorts by, who asked for what, where it begins, how it ended.

    Small enough to be kept of every call of a large run.
    """

    call: str
    begin: tuple[int, Endpoint, int, str]
    client: str
    target: str
    packet: PacketPlace
    decision: Decision
    observed: Observed

    @property
    def first_ns(self) -> int:
        """The time of the call's first packet."""
        return self.begin[0]


# Calls of one client that are found for one reason.
Groups = dict[_Key, list[Mark]]


def find(
    calls: Sequence[CallRecord], codes: Mapping[str, Code], *, told: Collection[str] = frozenset()
) -> tuple[Finding, ...]:
    """The findings of a run but for the calls ``told`` (their ids); ``codes`` explains reasons and gaps by name."""
    return findings_of(weigh(calls), codes, told=told)


def weigh(calls: Iterable[CallRecord]) -> Groups:
    """The calls that are worth a finding, in their order."""
    groups: Groups = {}
    # Most calls share both with many others, and live as long as this lasts.
    known: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for call in calls:
        key = id(call.decision), id(call.observed)
        weights = known.get(key)
        if weights is None:
            weights = known[key] = _weights(call)
        for rank, why in weights:
            about = _ABOUT[FINDING_CODES[rank].name](call)
            groups.setdefault((rank, client_of(call), about, why), []).append(mark_of(call))
    return groups


def mark_of(call: CallRecord) -> Mark:
    """The mark of a call."""
    begin, packet = begin_of(call), first_packet_of(call)
    return Mark(call.id, begin, client_of(call), target_of(call), packet, call.decision, call.observed)


def begin_of(call: CallRecord) -> tuple[int, Endpoint, int, str]:
    """What the calls of a run are sorted by."""
    return call.first_ns, call.client, call.request, call.legs[0].capture


def findings_of(
    groups: Groups, codes: Mapping[str, Code], *, told: Collection[str] = frozenset()
) -> tuple[Finding, ...]:
    """The findings that groups make, the calls of each in their order; as ``find``."""
    left = {key: [mark for mark in marks if mark.call not in told] for key, marks in groups.items()} if told else groups
    by_first = sorted((item for item in left.items() if item[1]), key=lambda item: (item[1][0].begin, item[0][0]))
    found = _of_all_clients(dict(by_first))
    ordered = sorted(found.items(), key=lambda item: (item[0][0], -len(item[1]), item[0]))
    return tuple(_finding(key[0], key[3], group, codes) for key, group in ordered)


def _of_all_clients(groups: Groups) -> Groups:
    """The groups, those as one that are alike but for the client: what breaks for many is told, and mended, once."""
    alike: dict[Hashable, list[_Key]] = {}
    for key, group in groups.items():
        targets = frozenset(mark.target for mark in group)
        alike.setdefault((key[0], key[3], targets, lines_deciding(group[0].decision)), []).append(key)
    return {
        keys[0]: sorted(chain(*map(groups.__getitem__, keys)), key=attrgetter("first_ns"))
        if len(keys) > 1
        else groups[keys[0]]
        for keys in alike.values()
    }


def target_of(call: CallRecord) -> str:
    """What the client asked for, in the shortest words that stay true: Host, SNI or address."""
    return call.host or call.sni or str(call.server)


def _deciding_line(call: CallRecord) -> str:
    return next((place.file_line for place in deciding_lines(call)), target_of(call))


# What makes calls of one client and one reason one finding: the target, the line of YAML that decides, or nothing more.
_ABOUT: Mapping[str, Callable[[CallRecord], str]] = {
    CONTRADICTION.name: target_of,
    NOBODY_BEGINS.name: target_of,
    DROPPED_CALL.name: _deciding_line,
    PASSTHROUGH_CALL.name: lambda _: "",
    UNDETERMINED_CALL.name: lambda _: "",
    DUMP_DIFFERS.name: target_of,
}


def _weights(call: CallRecord) -> list[tuple[int, str]]:
    weights = []
    if call.observed.agrees is False:
        weights.append((CONTRADICTION, call.observed.why))
    end = _end_of(call)
    if end is not None:
        weights.append(end)
    weights += [(DUMP_DIFFERS, step.sentence) for step in call.decision.steps if step.code == DUMP_DIFFERS.name]
    return [(FINDING_CODES.index(code), why) for code, why in weights]


def is_worth_a_word(call: CallRecord) -> bool:
    """Whether a finding may be about the call, or about one that differs from it in its times."""
    return call.observed.outcome in _UNANSWERED or bool(_weights(call))


def _end_of(call: CallRecord) -> tuple[Code, str] | None:
    """The finding that a call's end is, and why: a step's own sentence, or the name of a reason or a gap."""
    decision = call.decision
    if _was_waited_for(call) and any(step.code == NOBODY_BEGINS.name for step in decision.steps):
        return NOBODY_BEGINS, NOBODY_BEGINS.name
    telling = _telling_step(decision)
    why = telling.sentence if telling else decision.reason or ""
    if decision.verdict == DROPPED:
        return DROPPED_CALL, why
    if decision.verdict == PASSTHROUGH:
        return PASSTHROUGH_CALL, why
    if decision.verdict is None and decision.undetermined != ("no-mesh",):
        return UNDETERMINED_CALL, decision.undetermined[0] if decision.undetermined else ""
    return None


def _was_waited_for(call: CallRecord) -> bool:
    """Whether nobody answered, for so long that it is no capture that ends a moment after a handshake."""
    return call.observed.outcome in _UNANSWERED and call.last_ns - call.first_ns >= _WAITED_NS


def _telling_step(decision: Decision) -> Step | None:
    """The step that tells better than its reason why the call ended so."""
    codes = (OUT_OF_SCOPE.name, decision.reason)
    return next((step for step in decision.steps if step.code and step.code in codes), None)


def _finding(rank: int, why: str, group: Sequence[Mark], codes: Mapping[str, Code]) -> Finding:
    decision = group[0].decision
    code = FINDING_CODES[rank]
    telling = _telling_step(decision)
    by_step = telling is not None and telling.sentence == why
    reason = codes.get(telling.code if telling and by_step else why)
    because = reason.summary if reason and not by_step else why
    clients, targets = named(mark.client for mark in group), named(mark.target for mark in group)
    return Finding(
        code=code,
        sentence=f"{clients} → {targets}: {_WORDS[rank]}: {because}",
        calls=tuple(mark.call for mark in group),
        yaml=(telling.yaml if telling and by_step else ()) or lines_deciding(decision),
        packets=tuple(mark.packet for mark in group[:CITED_PACKETS]),
        advice=(reason.advice if reason and rank else "") or code.advice,
        first_ns=min(mark.first_ns for mark in group),
    )


_WORDS = ("contradicts the YAML", "hangs", "dropped", "passthrough", "undetermined", "its own configuration differs")


def client_of(call: CallRecord) -> str:
    """Who called: the pod, or the address where the mesh does not know it."""
    return call.pod or call.client.ip


def named(names: Iterable[str]) -> str:
    """The clients or the targets of several calls, each once; beyond a few, how many more."""
    different = list(dict.fromkeys(names))
    shown = ", ".join(different[:_NAMED])
    return f"{shown} and {len(different) - _NAMED} more" if len(different) > _NAMED else shown


def first_packet_of(call: CallRecord) -> PacketPlace:
    """The call's first packet in the capture of its own connection."""
    capture = call.legs[0].capture
    first = next((first for name, first, _ in call.packets if name == capture), call.legs[0].first_packet)
    return PacketPlace(capture, first)


def deciding_lines(call: CallRecord) -> tuple[YamlPlace, ...]:
    """The YAML where the decision about a call fell."""
    return lines_deciding(call.decision)


def lines_deciding(decision: Decision) -> tuple[YamlPlace, ...]:
    """The YAML where a decision fell: of the last step that names any, of the first where nobody took the call.

    That nothing matches is no line's doing.
    """
    if decision.reason == PASSTHROUGH_CLUSTER.name:
        return ()
    steps = decision.steps if decision.verdict == PASSTHROUGH else reversed(decision.steps)
    return next((step.yaml for step in steps if step.yaml), ())
