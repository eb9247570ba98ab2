"""The fields that a filter may ask for are those of ``-o jsonl``."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.report.as_json import call_object
from analyzer.verdict.decision import Inbound, LocalResponse, Outbound, WeightedCluster
from analyzer.verdict.filter_fields import BOOLEAN, FIELDS, NUMBER, TEXT, TEXTS

# Words of the filter that the record has under another name, or says in another unit.
OWN = {"namespace", "port", "duration_ms", "yaml"}
KINDS = {TEXT: str, NUMBER: int | float, BOOLEAN: bool, TEXTS: tuple}


@pytest.fixture
def full(record, decision):
    """A call that has something in every field."""
    side = Outbound(
        "l", "f", "r", "v", "t", "c", (WeightedCluster("c", 1),), LocalResponse(503, "UH"), "edge/gateway-0"
    )
    inbound = Inbound("shop/reviews-0", "f", "c", True, LocalResponse(403, "RBAC"))
    decided = replace(decision(undetermined=("x",)), outbound=side, gateway=side, inbound=inbound)
    call = record(decided, sni="s", alpn=("h2",), server_pod="shop/reviews-0")
    seen = replace(call.observed, status=200, answered_by="app", closed_by="client", tls_alert="a", grpc_status=0)
    return replace(call, observed=replace(seen, agrees=True))


def look(fields, path: str):
    value = fields
    for part in path.split("."):
        value = value[part]
    return value


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - OWN))
def test_a_field_is_what_the_record_says_under_its_name(full, name: str) -> None:
    said = look(call_object(full), name) if not name.endswith(".clusters") else None

    if said is not None:
        assert FIELDS[name].read(full) == said
    assert isinstance(FIELDS[name].read(full), KINDS[FIELDS[name].kind])


def test_the_fields_of_their_own_are_of_their_types(full) -> None:
    assert {name: FIELDS[name].read(full) for name in sorted(OWN)} == {
        "namespace": "shop",
        "port": 9080,
        "duration_ms": 0.001,
        "yaml": (),
    }


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_of_a_bare_call_is_null_or_of_its_type(record, decision, name: str) -> None:
    bare = record(replace(decision(), outbound=None), pod=None, host=None, method=None, path=None)
    value = FIELDS[name].read(bare)

    assert value is None or isinstance(value, KINDS[FIELDS[name].kind])


def test_a_name_is_its_own_key() -> None:
    assert all(name == field.name for name, field in FIELDS.items())
