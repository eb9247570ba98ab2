"""Every recorded call comes out as Envoy decided it. The sentences are here, the cases are folders."""

import os
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from analyzer.verdict.decision import VERDICTS

Record = dict[str, Any]


def look(record: Record, place: str) -> Any:
    """The value at a dotted place of a record; None where a part of the way is missing or null."""
    value: Any = record
    for part in place.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def answered(scenario) -> Iterator[tuple[Record, Record]]:
    """Each expected call with each record that answers it."""
    found = scenario.run()
    for call in scenario.expected["calls"]:
        for record in found.get((call["client"], call["request"]), []):
            yield call, record


def records(scenario) -> list[Record]:
    return [record for found in scenario.run().values() for record in found]


def verdicts(found: dict[tuple[str, int], list[Record]]) -> dict[tuple[str, int], list[str | None]]:
    return {key: [record["verdict"] for record in answers] for key, answers in found.items()}


def test_every_call_is_one_record(scenario) -> None:
    found = scenario.run()
    asked = [(call["client"], call["request"]) for call in scenario.expected["calls"]]

    counts = {key: len(found.get(key, [])) for key in asked}

    assert {key: count for key, count in counts.items() if count != 1} == {}


def test_every_call_comes_out_as_envoy_decided_it(scenario) -> None:
    wrong = [
        f"{call['about']}, {call['client']} #{call['request']}: {place} is {look(record, place)}, Envoy says {value}"
        for call, record in answered(scenario)
        for place, value in call["expect"].items()
        if look(record, place) != value
    ]

    assert wrong == []


def test_every_call_belongs_to_the_pod_whose_address_made_it(scenario) -> None:
    """A loopback address is every pod's, so it tells none."""
    wrong = {
        call["about"]: record["pod"]
        for call, record in answered(scenario)
        if record["pod"] != call["pod"] and not ip_address(record["client"]["ip"]).is_loopback
    }

    assert wrong == {}


def test_the_packets_never_contradict_what_envoy_did(scenario) -> None:
    contradicted = [
        f"{call['about']}: {record['observed']}"
        for call, record in answered(scenario)
        if record["observed"]["agrees"] is False
    ]

    assert contradicted == []


def test_a_verdict_has_a_reason_and_its_absence_says_what_is_missing(scenario) -> None:
    unexplained = [
        record["id"]
        for record in records(scenario)
        if not (record["reason"] if record["verdict"] in VERDICTS else record["undetermined"])
    ]

    assert unexplained == []


def test_every_verdict_stands_on_packets_or_on_yaml(scenario) -> None:
    baseless = [
        record["id"]
        for record in records(scenario)
        if record["verdict"] and not any(step["packets"] or step["yaml"] for step in record["evidence"])
    ]

    assert baseless == []


def test_ids_are_unique(scenario) -> None:
    ids = [record["id"] for record in records(scenario)]

    assert len(ids) == len(set(ids))


def test_two_interfaces_of_a_pod_tell_the_same_as_both_at_once(shop) -> None:
    """``any`` holds just the packets of ``eth0`` and ``lo``; on the way there nothing may get lost or be told twice."""
    split = shop.run(("interfaces/*.pcap",))

    assert verdicts(split) == verdicts(shop.run())


def test_a_packet_that_several_captures_saw_is_told_once(shop) -> None:
    everything = shop.run(("pods/*.pcap", "interfaces/*.pcap"))

    assert verdicts(everything) == verdicts(shop.run())


def test_the_same_input_gives_the_same_bytes(shop) -> None:
    """Python orders sets by the hash seed, which differs from process to process."""
    command = [sys.executable, "-m", "analyzer", "analyze", "pods", "-m", "mesh", "-o", "jsonl"]

    outputs = [
        subprocess.run(
            command, cwd=shop.folder, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]

    assert outputs[0] == outputs[1] != b""
