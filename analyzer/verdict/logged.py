"""What access logs add to calls: joined by request id, or addresses and time, they settle what packets cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.base.fact import replace
from analyzer.mesh.history import Meshes, MeshHistory
from analyzer.mesh.path import normalize_path
from analyzer.verdict.access_log import LogEntry
from analyzer.verdict.decide import class_of_cluster
from analyzer.verdict.decision import DROPPED, Decision, Step
from analyzer.verdict.inbound_policy import AUTHENTICATION, AUTHORIZATION
from analyzer.verdict.reasons import BLOCK_ALL, NO_CLUSTER, NO_HEALTHY_UPSTREAM, NO_ROUTE
from analyzer.verdict.record import SIDECAR_TO_UPSTREAM, CallRecord, Observed

# A log's start and the packets' times may be so far apart.
SLACK_NS = 1_000_000_000
# Response flags (Envoy, "Response flags") of what a proxy decided by itself.
_DECIDED = {"NR": NO_ROUTE.name, "NC": NO_CLUSTER.name, "UH": NO_HEALTHY_UPSTREAM.name}
# ... and details of what filters refused.
_REFUSED = {"rbac_access_denied": AUTHORIZATION.name, "jwt_authn_access_denied": AUTHENTICATION.name}
_MEANINGS = {
    "UF": "the upstream connection failed", "UC": "the upstream closed the connection",
    "UT": "the upstream took too long",
    "UR": "the upstream reset the stream", "URX": "every retry failed", "UO": "a circuit breaker was open",
    "UH": "no upstream was healthy", "LH": "the upstream failed its health check", "DI": "a delay was injected",
    "FI": "a fault was injected", "RLSE": "the rate limit service failed", "OM": "the proxy was overloaded",
    "UMSDR": "the stream lasted longer than the upstream allows", "RFCF": "a cache answered",
    "NFCF": "the configuration of a filter was missing", "DF": "the name of the upstream was not resolved",
    "DO": "the proxy sheds load", "UDO": "the cluster drops every request", "DR": "the client reset the stream",
     "NR": "no route or filter chain matched", "NC": "the cluster did not exist",
    "DC": "the client went away", "DT": "it lasted too long", "LR": "the proxy reset it",
    "RL": "a rate limit refused it",
    "UAEX": "an authorization service refused it", "DPE": "the client broke the protocol",
    "UPE": "the upstream broke the protocol", "SI": "the stream was idle too long", "IH": "a header was refused",
}  # fmt: skip


class AccessLogs:
    """The entries of a run's access logs, each joined to one call at most where only addresses and time say so."""

    def __init__(self, entries: Iterable[LogEntry]) -> None:
        self._by_id: dict[str, list[LogEntry]] = {}
        self._by_client: dict[str, list[LogEntry]] = {}
        self._given: set[str] = set()
        for entry in sorted(entries, key=lambda each: each.start_ns):
            if entry.request_id:
                self._by_id.setdefault(entry.request_id, []).append(entry)
            for address in {entry.downstream_remote, entry.upstream_local if not entry.inbound else ""} - {""}:
                self._by_client.setdefault(address, []).append(entry)

    def of(self, call: CallRecord) -> list[LogEntry]:
        """The entries about a call."""
        known = self._by_id.get(call.request_id or "", [])
        if known:
            return known
        clients = [call.client, *(leg.client for leg in call.legs if leg.role == SIDECAR_TO_UPSTREAM and leg.certain)]
        found = (self._nearest(call, str(client)) for client in dict.fromkeys(clients))
        return [entry for entry in found if entry is not None]

    def _nearest(self, call: CallRecord, client: str) -> LogEntry | None:
        fitting = [
            entry
            for entry in self._by_client.get(client, ())
            if entry.place not in self._given
            and call.first_ns - SLACK_NS <= entry.start_ns <= call.last_ns + SLACK_NS
            and _may_be_of(entry, call)
        ]
        if not fitting:
            return None
        entry = min(fitting, key=lambda each: abs(each.start_ns - call.first_ns))
        if entry.method:  # the line of a connection is about all its calls
            self._given.add(entry.place)
        return entry


def _may_be_of(entry: LogEntry, call: CallRecord) -> bool:
    """Whether a line of a call's connection may be about it; that of opaque TCP has neither method nor path."""
    if not call.method or not entry.method:
        return True
    return call.method == entry.method and _plain(call.path or "") == _plain(entry.path)


def _plain(path: str) -> str:
    """A path however it was normalised before it was logged."""
    return normalize_path(path, "DECODE_AND_MERGE_SLASHES")


def with_logs(calls: Sequence[CallRecord], entries: Iterable[LogEntry], mesh: Meshes | None) -> tuple[CallRecord, ...]:
    """The calls with what the logs say of them; a call that no entry is about stays as it is."""
    logs = AccessLogs(entries)
    return tuple(_with(call, found, mesh) if (found := logs.of(call)) else call for call in calls)


def _with(call: CallRecord, entries: Sequence[LogEntry], mesh: Meshes | None) -> CallRecord:
    steps = tuple(_step(entry) for entry in entries)
    told = replace(call, after=(*call.after, *steps))
    if call.decision.verdict is None:
        decision = _decided(call, entries, mesh)
        return replace(told, decision=decision) if decision else told
    observed = _compared(call, entries)
    return replace(told, observed=observed)


def _step(entry: LogEntry) -> Step:
    side = "server's" if entry.inbound else "client's"
    flags = [flag for flag in entry.flags.split(",") if flag]
    meaning = "; ".join(f"{flag}: {_MEANINGS[flag]}" if flag in _MEANINGS else flag for flag in flags)
    parts = [
        str(entry.code) if entry.code else "",
        entry.details,
        meaning,
        entry.cluster and f"cluster {entry.cluster}",
    ]
    return Step(f"the access log of the {side} proxy ({entry.place}) has {', '.join(filter(None, parts))}")


def _decided(call: CallRecord, entries: Sequence[LogEntry], mesh: Meshes | None) -> Decision | None:
    """The verdict that the logs settle, with what was undetermined gone; None where they do not."""
    held = mesh.at(call.first_ns) if isinstance(mesh, MeshHistory) else mesh
    end = next((end for entry in entries if (end := _refusal(entry))), None)
    outbound = next((entry for entry in entries if not entry.inbound and entry.cluster), None)
    if end is None and outbound is not None and held is not None:
        end = class_of_cluster(held, outbound.cluster)
    if end is None:
        return None
    return replace(call.decision, verdict=end[0], reason=end[1], undetermined=())


def _refusal(entry: LogEntry) -> tuple[str, str] | None:
    """How an entry says that its proxy refused the call; None where it does not."""
    reason = next((name for details, name in _REFUSED.items() if entry.details.startswith(details)), None)
    if reason is None and entry.route == "block_all":
        reason = BLOCK_ALL.name
    if reason is None and not entry.inbound and entry.cluster != "BlackHoleCluster":
        reason = next((_DECIDED[flag] for flag in entry.flags.split(",") if flag in _DECIDED), None)
    return (DROPPED, reason) if reason else None


def _compared(call: CallRecord, entries: Sequence[LogEntry]) -> Observed:
    """Whether the client's proxy did what the model says, where the packets could not tell, or its log excludes it."""
    observed, outbound = call.observed, call.decision.outbound
    entry = next((each for each in entries if not each.inbound and each.downstream_remote == str(call.client)), None)
    if entry is None or outbound is None:
        return observed
    meant = {outbound.cluster, *(each.cluster for each in outbound.clusters)} - {None}
    if not meant or not entry.cluster:
        return observed
    if entry.cluster in meant:
        return replace(observed, agrees=True, why="") if observed.agrees is None else observed
    named = ", ".join(sorted(name for name in meant if name))
    why = f"the access log ({entry.place}) names {entry.cluster}, the mesh's YAML leads to {named}"
    return replace(observed, agrees=False, why=why)
