"""Recorded worlds held against the package: each true call with what the model, or an analysis, says of it.

A world is a folder with ``mesh/``, ``calls.jsonl`` (questions), ``truth.jsonl`` (what istiod and Envoy made of them)
and, where it was recorded, ``pods/*.any.pcap``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzer.mesh.load import load_mesh
from analyzer.mesh.redirect import LOOPBACK, NOT_CAPTURED
from analyzer.pipeline import analyze_paths
from analyzer.verdict.calls_file import parse_calls
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision

Truth = Mapping[str, Any]

# Response flags that are a prediction; others (UF, UC) are the network's or the application's doing.
_PREDICTED_FLAGS = ("NR", "NC", "UH")
_WAY_OUT = ("listener", "filter_chain", "virtual_host", "route", "cluster")
# What an analysis of packets is asked for.
CAPTURE_FIELDS = (
    "verdict", "outbound.cluster", "outbound.response.flag", "gateway.cluster", "gateway.response.flag",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """One true call and how an answer compares with it.

    ``differences`` are sentences; empty where they agree. ``undetermined`` are the codes of a null verdict where the
    truth has one. ``reason`` is what the first answer gave.
    """

    world: str
    truth: Truth
    differences: tuple[str, ...] = ()
    undetermined: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether every name that the truth has was given."""
        return not self.differences and not self.undetermined

    @property
    def is_beyond_simulation(self) -> bool:
        """Whether the truth is istiod's simulation, which has no iptables, and the answer is that these let it by."""
        return self.truth.get("seen") is None and self.reason in (LOOPBACK.name, NOT_CAPTURED.name)


def compare_routes(world: Path) -> list[Outcome]:
    """The questions of a world, each asked of the model."""
    mesh = load_mesh([world / "mesh"])
    asked = {q.name: q.question for q in parse_calls((world / "calls.jsonl").read_bytes(), file=world.name)}
    outcomes = []
    for truth in _first_of_each_name(_truths(world)):
        expected = wanted(truth)
        if expected:
            answers = [decide(mesh, asked[truth["name"]])] if truth["name"] in asked else []
            outcomes.append(compare(world.name, truth, expected, answers))
    return outcomes


def compare_captures(world: Path) -> list[Outcome]:
    """The recorded calls of a world, each looked up in one analysis of all its captures; empty without captures."""
    captures = sorted(str(each) for each in (world / "pods").glob("*.any.pcap"))
    if not captures:
        return []
    found: dict[tuple[str, int], list[Decision]] = {}
    for call in analyze_paths(captures, load_mesh([world / "mesh"])).calls:
        found.setdefault((str(call.client), call.request), []).append(call.decision)
    outcomes = []
    for truth in _truths(world):
        expected = {place: value for place, value in wanted(truth).items() if place in CAPTURE_FIELDS}
        if truth.get("client") and expected:
            answers = found.get((truth["client"], truth["request"]), [])
            outcomes.append(compare(world.name, truth, expected, answers))
    return outcomes


def wanted(truth: Truth) -> dict[str, Any]:
    """The names that a right answer has to give, by their place in it.

    Where chance chose the end only the way there counts, and where no verdict is true only the names.
    """
    why = truth.get("why")
    expected: dict[str, Any] = {"verdict": truth["verdict"]} if truth.get("verdict") else {}
    for side in ("outbound", "gateway"):
        expected.update(_wanted_of_side(side, truth.get(side) or {}, truth, by_chance=why == "weighted"))
    if why not in ("weighted", "balanced"):
        expected.update(_wanted_inbound(truth.get("inbound")))
    return expected


def _wanted_of_side(side: str, logged: Truth, truth: Truth, *, by_chance: bool) -> Iterator[tuple[str, Any]]:
    for name in _WAY_OUT:
        unnamed_chain = name == "filter_chain" and str(logged.get(name)).startswith("0.0.0.0_")
        if logged.get(name) and not unnamed_chain and not (by_chance and name == "cluster"):
            yield f"{side}.{name}", logged[name]
    if by_chance:
        return
    flag, code = logged.get("flags"), logged.get("code")
    if flag in _PREDICTED_FLAGS:
        yield f"{side}.response.flag", flag
    answered = logged.get("details") == "direct_response" or (flag in _PREDICTED_FLAGS and code)
    # gRPC tells its errors over 200.
    if answered and (truth.get("protocol"), code) != ("http2", 200):
        yield f"{side}.response.code", code


def _wanted_inbound(inbound: Any) -> Iterator[tuple[str, Any]]:
    """The server's side; of several attempts the last, where all met the same end."""
    if isinstance(inbound, list):
        alike = len({(each.get("cluster"), each.get("flags")) for each in inbound}) == 1
        inbound = inbound[-1] if alike else None
    if not inbound:
        return
    for name in ("filter_chain", "cluster"):
        if inbound.get(name):
            yield f"inbound.{name}", inbound[name]
    if "mtls" in inbound:
        yield "inbound.mtls", inbound["mtls"] and inbound.get("flags") != "NR"


def compare(world: str, truth: Truth, expected: Mapping[str, Any], answers: list[Decision]) -> Outcome:
    """The outcome of one call; several answers must all be right."""
    if not answers:
        return Outcome(world, truth, ("no answer",))
    if "verdict" in expected and all(answer.verdict is None for answer in answers):
        return Outcome(world, truth, undetermined=answers[0].undetermined)
    differences = (
        f"{place} is {_text(_look(answer, place))}, recorded {_text(value)}"
        for answer in answers
        for place, value in expected.items()
        if _look(answer, place) != value
    )
    return Outcome(world, truth, tuple(dict.fromkeys(differences)), reason=answers[0].reason)


def _look(value: Any, place: str) -> Any:
    for part in place.split("."):
        value = getattr(value, part, None)
    return value


def _text(value: Any) -> str:
    return "absent" if value is None else str(value)


def _truths(world: Path) -> list[Truth]:
    text = (world / "truth.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _first_of_each_name(truths: list[Truth]) -> list[Truth]:
    first: dict[str, Truth] = {}
    for truth in truths:
        first.setdefault(truth["name"], truth)
    return list(first.values())
