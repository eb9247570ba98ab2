"""Runs and suites in few words."""

from __future__ import annotations

import pytest

from analyzer.verdict.check.suite import parse_suite
from analyzer.verdict.record import Analysis, CaptureRecord

HEAD = "captures: pods\nmesh: mesh\n"
# 2026-11-21T00:00:01Z.
NEWEST_NS = 1_795_219_201_000_000_000


@pytest.fixture(scope="session")
def suite():
    """A function that gives a suite from its YAML behind captures and mesh."""
    return lambda text="": parse_suite(HEAD + text, file="shop.verdict.yaml")


@pytest.fixture(scope="session")
def run_of():
    """A function that gives a run of calls, numbered from 1."""
    from analyzer.base.fact import replace

    def tell(*calls) -> Analysis:
        capture = CaptureRecord(
            name="a.pcap", format="pcap", pod=None, vantage="", link_types=(), records=1, bytes=1, first_ns=1,
            last_ns=NEWEST_NS, connections=1, calls=len(calls), fates=(), complete=True, oddities=(),
        )  # fmt: skip
        numbered = tuple(replace(call, id=str(n)) for n, call in enumerate(calls, 1))
        return Analysis(numbered, (), (), (capture,), None)

    return tell


@pytest.fixture
def no_route(decision):
    return decision("dropped", "no-route", cluster=None, code=404, flag="NR")
