"""A run read back from what ``-o json`` or ``-o jsonl`` wrote: the calls, enough to explain and to compare them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from analyzer.base.errors import UsageError
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.flow.connection import Endpoint
from analyzer.verdict.decision import (
    Candidate,
    Decision,
    Inbound,
    LocalResponse,
    Outbound,
    Step,
    WeightedCluster,
)
from analyzer.verdict.record import Analysis, CallRecord, InsideRequest, Leg, Observed

Object = Mapping[str, Any]


def read_run(path: Path) -> Analysis:
    """The calls of a saved run; raises ``UsageError`` where the file is not one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path.name}: {error.strerror}") from None
    try:
        # The second pass holds every field against its declared type.
        calls = tuple(msgspec.convert(msgspec.to_builtins(_call(fields)), CallRecord) for fields in _call_objects(data))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        expected = "the output of analyze -o json or jsonl"
        raise UsageError(f"{path.name}: found no run ({error}); expected {expected}") from None
    return Analysis(calls=calls, flows=(), findings=(), captures=(), mesh=None)


def calls_in(pieces: Iterable[bytes | memoryview]) -> Iterator[CallRecord]:
    """The calls in lines of ours, many in a piece, as they are shown there."""
    for piece in pieces:
        for line in bytes(piece).splitlines():
            yield _call(msgspec.json.decode(line))


def _call_objects(data: bytes) -> Iterable[Object]:
    if data.startswith(b'{"run"'):
        whole: Object = msgspec.json.decode(data)
        calls: Iterable[Object] = whole["calls"]
        return calls
    lines: list[Object] = [msgspec.json.decode(line) for line in data.splitlines() if line.strip()]
    if not lines:
        raise ValueError("it is empty")
    return [line for line in lines if line["kind"] == "call"]


def _call(o: Object) -> CallRecord:
    return CallRecord(
        id=o["id"],
        captures=tuple(o["captures"]),
        packets=tuple((capture, first, last) for capture, (first, last) in o["packets"].items()),
        pod=o["pod"],
        client=_endpoint(o["client"]),
        server=_endpoint(o["server"]),
        server_pod=o.get("server_pod"),
        request=o["request"],
        protocol=o["protocol"],
        host=o.get("host"),
        method=o.get("method"),
        path=o.get("path"),
        sni=o.get("sni"),
        alpn=tuple(o.get("alpn", ())),
        decision=_decision(o),
        observed=Observed(**{name: o["observed"].get(name) for name in _OBSERVED}, why=o["observed"].get("why", "")),
        legs=tuple(_leg(leg) for leg in o["legs"]),
        first_ns=o.get("first_ns", 0),
        last_ns=o.get("last_ns", 0),
        uid=o.get("uid", ""),
        community_id=o.get("community_id", ""),
        conn_state=o.get("conn_state", ""),
        history=o.get("history", ""),
        inside=tuple(InsideRequest(e["method"], e["host"], e["path"], e["status"]) for e in o.get("inside", ())),
    )


_OBSERVED = ("status", "answered_by", "closed_by", "tls_alert", "grpc_status", "outcome", "agrees")


def _decision(o: Object) -> Decision:
    return Decision(
        verdict=o["verdict"],
        reason=o["reason"],
        undetermined=tuple(o["undetermined"]),
        outbound=_outbound(o["outbound"]),
        gateway=_outbound(o["gateway"]),
        inbound=_inbound(o["inbound"]),
        steps=tuple(_step(step) for step in o["evidence"]),
    )


def _outbound(o: Object | None) -> Outbound | None:
    if o is None:
        return None
    return Outbound(
        listener=o["listener"],
        filter_chain=o["filter_chain"],
        route_config=o["route_config"],
        virtual_host=o["virtual_host"],
        route=o["route"],
        cluster=o["cluster"],
        clusters=tuple(WeightedCluster(c["cluster"], c["weight"]) for c in o.get("clusters", ())),
        response=_response(o["response"]),
        pod=o.get("pod"),
    )


def _inbound(o: Object | None) -> Inbound | None:
    if o is None:
        return None
    return Inbound(o["pod"], o["filter_chain"], o["cluster"], o["mtls"], _response(o["response"]))


def _response(o: Object | None) -> LocalResponse | None:
    return LocalResponse(o["code"], o["flag"]) if o else None


def _step(o: Object) -> Step:
    lost = tuple(Candidate(c["name"], c["why"], _places(c["yaml"])) for c in o.get("lost", ()))
    packets = tuple(PacketPlace(capture, n) for capture, numbers in o["packets"].items() for n in numbers)
    return Step(o["sentence"], packets, _places(o["yaml"]), lost)


def _places(texts: Iterable[str]) -> tuple[YamlPlace, ...]:
    split = (text.rpartition(":") for text in texts)
    return tuple(YamlPlace(file, int(line)) for file, _, line in split)


def _leg(o: Object) -> Leg:
    first, last = o["packets"]
    ends = _endpoint(o["client"]), _endpoint(o["server"])
    return Leg(o["role"], o["capture"], *ends, first, last, o.get("sni"), o["certain"], o.get("uid", ""))


def _endpoint(o: Object) -> Endpoint:
    return Endpoint(o["ip"], o["port"])
