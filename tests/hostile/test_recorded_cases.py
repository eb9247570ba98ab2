"""Captures that were made to break a reader: the cases that a file shows best, and all that is said of them.

``tests/captures/hostile`` has them by their places in the list; ``said.json`` what the program makes of each: its
error, its calls by protocol and name, what was odd, the fates of packets and the limits that were hit. A change of it
is a change of behaviour: look at it, then write it with ``UPDATE_GOLDEN=1``.
"""

import json
import os
import re
from pathlib import Path

import pytest

CAPTURES = Path(__file__).resolve().parents[1] / "captures" / "hostile"
SAID = CAPTURES / "said.json"
CASES = sorted(path.name for path in CAPTURES.iterdir() if ".pcap" in path.name)


def gist(heard) -> dict[str, object]:
    """What is said of a capture, without evidence."""
    (capture,) = heard.of("capture")
    calls = [[each for each in (c["protocol"], c.get("host"), c.get("sni")) if each] for c in heard.of("call")]
    known = {
        "error": capture.get("error"),
        "calls": calls[:40],
        "number of calls": len(calls),
        "flows": heard.flows,
        "odd": [line.partition(": ")[2] or line for line in capture["oddities"]],
        "fates": capture.get("fates"),
        "limits": heard.limits,
    }
    return {key: value for key, value in known.items() if value}


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_of_a_hostile_capture_stays_so(hear, case: str) -> None:
    found = gist(hear((CAPTURES / case).read_bytes(), name=case))

    known = json.loads(SAID.read_text()) if SAID.exists() else {}
    if os.environ.get("UPDATE_GOLDEN"):
        known[case] = found
        SAID.write_text(json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=True) + "\n")

    assert found == known[case]


def test_every_test_that_the_map_of_cases_names_is_there() -> None:
    tests = CAPTURES.parents[1]
    named = re.findall(r"`([a-z_/0-9]+\.py)`", (tests / "hostile" / "README.md").read_text())

    places = (tests, tests / "hostile", tests.parent / "analyzer")
    assert [each for each in named if not any((place / each).exists() for place in places)] == []
    assert len(named) > 30
