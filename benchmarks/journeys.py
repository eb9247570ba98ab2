"""Recorded worlds' journeys: the legs that a run finds for each HTTP call, held against Envoy's access logs.

    python benchmarks/journeys.py WORLDS [--all]

WORLDS is the folder of the recorded worlds, or one of them. A call counts where both pods were recorded. The leg out of
the client's sidecar is right when it begins at the ``upstream_local`` that the sidecar logged; the delivery when it was
captured in the pod whose sidecar logged ``via_upstream``, and carries the ``x-call`` that the lab's client wrote.
``probable`` is a right leg that is not certain. ``--all`` names every call that has a wrong leg or none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzer.mesh.load import load_mesh
from analyzer.pipeline import ask_paths
from analyzer.verdict.call import Onward
from analyzer.verdict.judge import Asked
from analyzer.verdict.roles import Role

Truth = Mapping[str, Any]

UPSTREAM, DELIVERY = "upstream", "delivery"
EXACT, PROBABLE, NONE, WRONG = "exact", "probable", "none", "wrong"


@dataclass(frozen=True, slots=True)
class Leg:
    """How one side of a true call was stitched; ``expected`` is an address, or the pod that delivered it."""

    world: str
    call: str
    side: str
    outcome: str
    expected: str
    found: str


def legs_of_world(world: Path) -> Iterator[Leg]:
    """Every leg that the truth of a world knows and its captures show; none where it was not recorded."""
    captures = sorted((world / "pods").glob("*.any.pcap"))
    if not captures:
        return
    recorded = {path.name.removesuffix(".any.pcap").replace("_", "/", 1): path.name for path in captures}
    _, asked, _ = ask_paths(list(map(str, captures)), load_mesh([world / "mesh"]))
    calls = {(str(each.record.client), each.record.request): each for each in asked if each.record.method}
    for line in (world / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        truth = json.loads(line)
        call = calls.get((truth["client"], truth["request"]))
        if call is not None and truth["client"] and isinstance(truth["inbound"], list):
            yield from _legs(world.name, truth, call, recorded)


def _legs(world: str, truth: Truth, asked: Asked, recorded: Mapping[str, str]) -> Iterator[Leg]:
    reached = [each for each in truth["inbound"] if each.get("details") == "via_upstream"]
    pods = [each["pod"] for each in truth["inbound"]] + [(truth.get("gateway") or {}).get("pod")]
    address = (truth["outbound"] or {}).get("upstream_local")
    if address and not recorded.keys().isdisjoint(pods):
        found = [leg for leg in asked.onward if leg.said.role is Role.UPSTREAM]
        right = [leg for leg in found if str(leg.said.wire.client) == address and _is_of(truth, leg)]
        yield Leg(world, truth["name"], UPSTREAM, _outcome(found, right), address, _text(found))
    if reached and reached[-1]["pod"] in recorded:
        pod = reached[-1]["pod"]
        found = [leg for leg in asked.onward if leg.said.role is Role.DELIVERY]
        right = [leg for leg in found if _seen_in(leg, recorded[pod]) and _is_of(truth, leg)]
        yield Leg(world, truth["name"], DELIVERY, _outcome(found, right), pod, _text(found))


def _outcome(found: list[Onward], right: list[Onward]) -> str:
    if not found:
        return NONE
    if not right:
        return WRONG
    return EXACT if all(leg.certain for leg in right) else PROBABLE


def _seen_in(leg: Onward, capture: str) -> bool:
    return any(sighting.capture == capture for sighting in leg.said.wire.sightings)


def _is_of(truth: Truth, leg: Onward) -> bool:
    """Whether what can be read on a leg is the request of the true call."""
    request = leg.exchange.request if leg.exchange else None
    return request is None or request.header("x-call") in (None, truth["name"])


def _text(found: list[Onward]) -> str:
    return ", ".join(f"{leg.said.wire.client} to {leg.said.wire.connection.server}" for leg in found)


def table(legs: list[Leg]) -> str:
    """A line for each side: how many legs were found how."""
    counts = Counter((leg.side, leg.outcome) for leg in legs)
    outcomes = (EXACT, PROBABLE, NONE, WRONG)
    head = f"{'':10}" + "".join(f"{outcome:>10}" for outcome in outcomes)
    rows = (f"{side:10}" + "".join(f"{counts[side, o]:>10,}" for o in outcomes) for side in (UPSTREAM, DELIVERY))
    return "\n".join([head, *rows])


def main() -> None:
    """Print the table, and with ``--all`` what is not as it should be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("worlds", type=Path)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    worlds = [args.worlds] if (args.worlds / "mesh").is_dir() else sorted(args.worlds.iterdir())
    legs = [leg for world in worlds for leg in legs_of_world(world)]
    sys.stdout.write(table(legs) + "\n")
    for leg in legs if args.all else ():
        if leg.outcome in (NONE, WRONG):
            sys.stdout.write(f"{leg.world} {leg.call} {leg.side}: {leg.outcome}: {leg.expected}, found {leg.found}\n")


if __name__ == "__main__":
    main()
