"""What a person should look at, heaviest first: contradictions, drops, calls past the mesh, gaps in the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.verdict.decision import DROPPED, PASSTHROUGH
from analyzer.verdict.record import CallRecord, Finding

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

# The order in which findings weigh among equals.
FINDING_CODES = (CONTRADICTION, DROPPED_CALL, PASSTHROUGH_CALL, UNDETERMINED_CALL)
# A finding cites at most this many packets; the calls that it names lead to the rest.
_CITED_PACKETS = 3


def find(calls: Iterable[CallRecord], codes: Mapping[str, Code]) -> tuple[Finding, ...]:
    """The findings of a run; ``codes`` explains reasons and undetermined codes by name."""
    groups: dict[tuple[int, str, str, str, str], list[CallRecord]] = {}
    for call in calls:
        for rank, why in _weights(call):
            groups.setdefault((rank, call.pod or call.client.ip, target_of(call), why, call.protocol), []).append(call)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0]))
    return tuple(_finding(key[0], key[3], group, codes) for key, group in ordered)


def target_of(call: CallRecord) -> str:
    """What the client asked for, in the shortest words that stay true: Host, SNI or address."""
    return call.host or call.sni or str(call.server)


def _weights(call: CallRecord) -> list[tuple[int, str]]:
    verdict = call.decision.verdict
    weights = []
    if call.observed.agrees is False:
        weights.append((0, call.observed.why))
    if verdict == DROPPED:
        weights.append((1, call.decision.reason or ""))
    elif verdict == PASSTHROUGH:
        weights.append((2, call.decision.reason or ""))
    elif verdict is None and call.decision.undetermined != ("no-mesh",):
        weights.append((3, call.decision.undetermined[0] if call.decision.undetermined else ""))
    return weights


def _finding(rank: int, why: str, group: list[CallRecord], codes: Mapping[str, Code]) -> Finding:
    first = group[0]
    code = FINDING_CODES[rank]
    reason = codes.get(why)
    because = reason.summary if reason else why
    sentence = f"{first.pod or first.client.ip} → {target_of(first)}: {_WORDS[rank]}: {because}"
    return Finding(
        code=code,
        sentence=sentence,
        calls=tuple(call.id for call in group),
        yaml=_deciding_lines(first),
        packets=tuple(PacketPlace(*call.packets[0][:2]) for call in group[:_CITED_PACKETS] if call.packets),
        advice=(reason.advice if reason and rank else "") or code.advice,
        first_ns=min(call.first_ns for call in group),
    )


_WORDS = ("contradicts the YAML", "dropped", "passthrough", "undetermined")


def _deciding_lines(call: CallRecord) -> tuple[YamlPlace, ...]:
    """The YAML of the last step that names any: that is where the decision fell."""
    return next((step.yaml for step in reversed(call.decision.steps) if step.yaml), ())
