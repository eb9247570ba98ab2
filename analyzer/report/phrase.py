"""Short phrases about a call that the text and HTML reports share: who, what, and what was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from analyzer.base.place import PacketPlace
from analyzer.report.wording import format_count, format_ranges, format_span, format_time
from analyzer.verdict.decision import VERDICTS, Decision, Outbound
from analyzer.verdict.findings import client_of
from analyzer.verdict.moved import MOVED_BY_CHANGE
from analyzer.verdict.parting import OTHER_CONFIGURATION
from analyzer.verdict.record import Analysis, CallRecord, Finding, Observed

if TYPE_CHECKING:
    from analyzer.verdict.clocks import Skew

# How a null verdict is written where a word must stand; it is no fifth verdict.
UNDETERMINED = "undetermined"

# From the worst to the least, as reports list them; null comes after dropped, since it hides what it may be.
VERDICT_ORDER: tuple[str | None, ...] = (VERDICTS[3], None, VERDICTS[2], VERDICTS[1], VERDICTS[0])


class Outcome(NamedTuple):
    """What happened to a call, in two or three words; not ``fits`` where the packets contradict the decision."""

    fits: bool
    phrase: str


class SeenCall(Protocol):
    """What the packets show of a call."""

    @property
    def observed(self) -> Observed:
        """What happened."""

    @property
    def first_ns(self) -> int:
        """The time of its first packet."""


def verdict_word(verdict: str | None) -> str:
    """The verdict, or ``undetermined``."""
    return verdict or UNDETERMINED


def reason_word(decision: Decision) -> str:
    """The reason, or what is missing."""
    return decision.reason or ", ".join(decision.undetermined) or "-"


def source_phrase(call: CallRecord) -> str:
    """Who called: the pod, or the address where the mesh does not know it."""
    return client_of(call)


def target_phrase(call: CallRecord) -> str:
    """What was called: the host or SNI with the port, else the server's pod or its address."""
    port = call.server.port
    if call.host:
        return call.host if call.host.rpartition(":")[2].isdigit() else f"{call.host}:{port}"
    if call.sni:
        return _cluster_of(call.sni) or f"{call.sni}:{port}"
    return f"{call.server_pod}:{port}" if call.server_pod else str(call.server)


def _cluster_of(sni: str) -> str | None:
    """``host:port`` of an SNI between sidecars, ``outbound_.PORT_.SUBSET_.HOST`` (Istio, BuildDNSSrvSubsetKey)."""
    parts = sni.split("_.", 3)
    return f"{parts[3]}:{parts[1]}" if len(parts) == 4 and parts[0] == "outbound" else None


def request_phrase(call: CallRecord) -> str:
    """What was asked for: ``GET reviews /reviews/7``, an SNI, or nothing where a connection names nothing."""
    words = [call.method, call.host, call.path] if call.method or call.path else [call.host or call.sni]
    return " ".join(word for word in words if word)


def sent_phrase(call: CallRecord) -> str:
    """What was sent beside the name: ``GET /reviews/7``, or the protocol where no request shows."""
    return " ".join(word for word in (call.method, call.path) if word) or call.protocol


def _by(verb: str) -> Callable[[Observed], str]:
    return lambda observed: f"{verb} by {observed.closed_by}" if observed.closed_by else verb


def _answered(observed: Observed) -> str:
    status = "answered" if observed.status is None else str(observed.status)
    grpc = "" if observed.grpc_status is None else f" grpc {observed.grpc_status}"
    by = f" from {observed.answered_by}" if observed.answered_by else ""
    return f"{status}{grpc}{by}"


# What each outcome is called; an outcome that is not here is shown as it is.
_OUTCOMES: dict[str, Callable[[Observed], str]] = {
    "answered": _answered,
    "local-reply": _answered,
    "reset": _by("reset"),
    "closed": _by("closed"),
    "refused": lambda _: "refused",
    "no-answer": lambda _: "no answer",
    "tls-alert": lambda observed: f"TLS alert {observed.tls_alert or ''}".rstrip(),
    "open": lambda _: "open at the end",
}


def observed_phrase(observed: Observed) -> str:
    """What happened, in two or three words: ``200 from app``, ``reset by server``, ``TLS alert unknown_ca``."""
    say = _OUTCOMES.get(observed.outcome)
    return say(observed) if say else observed.outcome


def agreement_phrase(observed: Observed) -> str:
    """Whether the packets bear the decision out."""
    if observed.agrees is None:
        return "the packets cannot tell whether this agrees"
    return "agrees with the decision" if observed.agrees else "disagrees with the decision"


def outcome_of(observed: Observed) -> Outcome:
    """What happened, and whether it contradicts the decision."""
    return Outcome(observed.agrees is not False, observed_phrase(observed))


def outcomes_phrase(counts: Mapping[Outcome, int]) -> str:
    """The outcomes of several calls, those that disagree first, then the most frequent: ``reset ×1, 200 ×3``."""
    ranked = sorted(counts.items(), key=lambda item: (item[0].fits, -item[1], item[0].phrase))
    if len(ranked) == 1:
        return ranked[0][0].phrase
    return ", ".join(f"{outcome.phrase} ×{count:,}" for outcome, count in ranked)


def packets_phrases(places: Iterable[PacketPlace]) -> list[str]:
    """Packets by capture: ``web.pcap packet 48``, ``web.pcap packets 3, 5–9``."""
    by_capture: dict[str, set[int]] = {}
    for place in places:
        by_capture.setdefault(place.capture, set()).add(place.packet)
    return [
        f"{capture} {'packets' if len(numbers) > 1 else 'packet'} {format_ranges(numbers)}"
        for capture, numbers in by_capture.items()
    ]


def range_phrase(capture: str, first: int, last: int) -> str:
    """A capture with its first and last packet."""
    return f"{capture} packet {first}" if first == last else f"{capture} packets {first}–{last}"


def calls_phrase(finding: Finding, *, most: int = 3) -> str:
    """The ids of a finding's calls, the first of them: ``calls 4, 5, 6 and 9 more``."""
    if not finding.calls:
        return ""
    rest = len(finding.calls) - most
    more = f" and {rest:,} more" if rest > 0 else ""
    return f"{'call' if len(finding.calls) == 1 else 'calls'} {', '.join(finding.calls[:most])}{more}"


def clusters_phrase(outbound: Outbound) -> str | None:
    """The cluster, or the weighted ones: ``a 90 %, b 10 %`` in shares of their sum."""
    if outbound.cluster or not outbound.clusters:
        return outbound.cluster
    total = sum(choice.weight for choice in outbound.clusters) or 1
    return ", ".join(f"{choice.cluster} {100 * choice.weight / total:.3g} %" for choice in outbound.clusters)


def headline(analysis: Analysis) -> str:
    """The run in a sentence: how many calls, how many of them did not reach a service, and the findings."""
    return run_headline(Counter(call.decision.verdict for call in analysis.calls), len(analysis.findings))


def run_headline(verdicts: Mapping[str | None, int], findings: int) -> str:
    """As ``headline``, of a run with so many calls of each verdict."""
    calls = sum(verdicts.values())
    if not calls:
        return "No calls were found."
    short = [f"{verdicts[name]:,} {verdict_word(name)}" for name in VERDICT_ORDER[:3] if verdicts.get(name)]
    found = format_count(findings, "finding") if findings else "no findings"
    ends = ", ".join(short) if short else "every one matched a service"
    return f"{format_count(calls, 'call')}: {ends}; {found}."


def seen_phrase(finding: Finding, calls: Mapping[str, SeenCall]) -> str:
    """Since when a finding's calls were made and what the packets show of them; ``calls`` by id.

    A finding that names no call has none; one about a change tells its moment itself.
    """
    members = [calls[name] for name in finding.calls if name in calls]
    if not members:
        return ""
    seen = f"the packets show: {outcomes_phrase(Counter(outcome_of(call.observed) for call in members))}"
    if finding.code in (MOVED_BY_CHANGE, OTHER_CONFIGURATION):
        return seen
    first, last = (format_time(pick(call.first_ns for call in members)) for pick in (min, max))
    if len(members) == 1:
        return f"at {first[:23]}Z; {seen}"
    until = last[11:23] if last[:10] == first[:10] else f"{last[:23]}Z"
    return f"since {first[:23]}Z, last at {until}; {seen}"


def clock_phrase(capture: str, reference: str, skew: Skew | None) -> str:
    """How far the clocks of two captures are apart, in a sentence."""
    if skew is None:
        return f"{capture} shares no exchange with {reference}: its times are as it has them"
    apart = format_span(abs(skew.offset_ns))
    way = "as early as" if not skew.offset_ns else f"{apart} {'ahead of' if skew.offset_ns > 0 else 'behind'}"
    by = format_count(skew.connections, "connection")
    return f"{capture} is {way} {reference}, give or take {format_span(skew.error_ns)}, by {by}"
