"""Which lines move a call is found by taking differences back and asking again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from analyzer.mesh.load import parse_mesh
from analyzer.verdict import cause
from analyzer.verdict.cause import deciding, find_causes, smallest
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision
from analyzer.verdict.question import Question


@dataclass(frozen=True)
class Asking:
    """A call that moves between two meshes; ``likeness`` says which calls are taken for alike."""

    question: Question
    old: Any
    new: Any
    likeness: str = "alike"

    def answer(self, mesh) -> Decision:
        return decide(mesh, self.question)

    @property
    def before(self) -> Decision:
        return self.answer(self.old)

    @property
    def after(self) -> Decision:
        return self.answer(self.new)

    def undone_in(self, mesh) -> bool:
        found, before = self.answer(mesh), self.before
        return (found.verdict, found.outbound and found.outbound.cluster) == (
            before.verdict,
            before.outbound and before.outbound.cluster,
        )


def to_web(old, new, *, path="/", port=80, likeness="alike") -> Asking:
    question = Question("shop", "sleep-0", address="10.9.0.1", port=port, host="web", path=path)
    return Asking(question, old, new, likeness)


def lines(old, new, *calls) -> list[list[str]]:
    return [[place.field for place in places] for places in find_causes(old, new, calls or [to_web(old, new)])]


def routed(town, *routes):
    """web's VirtualService; each route is a prefix and the status that Envoy answers it with."""
    http = [{"match": [{"uri": {"prefix": prefix}}], "directResponse": {"status": status}} for prefix, status in routes]
    return town.rule("VirtualService", "shop/web", hosts=["web"], http=http).mesh()


def strict(town):
    return town.security("PeerAuthentication", "shop/strict", mtls={"mode": "STRICT"})


# The search.


def test_each_difference_that_undoes_the_move_alone_is_a_cause() -> None:
    assert deciding("abcd", lambda part: "b" in part or "d" in part) == ("b", "d")


def test_where_none_does_alone_the_smallest_set_counts() -> None:
    assert deciding("abcdefgh", lambda part: {"b", "g"} <= set(part)) == ("b", "g")


@pytest.mark.parametrize("wanted", [{0}, {7}, {3, 4}, {0, 9}, set(range(10))])
def test_nothing_can_be_left_out_of_the_smallest_set(wanted: set[int]) -> None:
    assert set(smallest(range(10), lambda part: wanted <= set(part))) == wanted


def test_what_nothing_undoes_has_no_cause() -> None:
    assert smallest("abc", lambda _: False) == ()


def test_the_search_ends_where_it_would_take_too_long(monkeypatch) -> None:
    monkeypatch.setattr(cause, "MAX_TRIALS", 3)

    assert set("bg") <= set(smallest("abcdefgh", lambda part: {"b", "g"} <= set(part)))


# Meshes.


def test_without_a_move_nothing_is_asked(market) -> None:
    assert find_causes(market.mesh(), market.mesh(), []) == []


def test_a_changed_field_is_the_cause_and_another_one_is_not(market) -> None:
    service = market.documents[4]
    old = market.mesh()
    hidden = {**service["metadata"], "annotations": {"networking.istio.io/exportTo": "~"}, "labels": {"team": "a"}}
    market.documents[4] = {**service, "metadata": hidden}

    assert lines(old, market.mesh()) == [["metadata.annotations.networking.istio.io/exportTo"]]


def test_a_new_resource_is_cited_where_the_decision_stands_on_it(market) -> None:
    old = market.mesh()
    new = routed(market, ("/", 503))

    (fields,) = lines(old, new)

    assert fields
    assert all(field.startswith("spec.http[0]") for field in fields)


def test_a_resource_that_is_gone_is_cited_in_the_old_mesh(market) -> None:
    new = market.mesh()
    old = routed(market, ("/", 503))

    ((place,),) = find_causes(old, new, [to_web(old, new)])

    assert place.field.startswith("spec.http[0]")


def test_two_changes_that_move_a_call_each_by_itself_are_causes_together(market) -> None:
    old = market.mesh()
    service = market.documents[4]
    hidden = {**service["metadata"], "annotations": {"networking.istio.io/exportTo": "~"}}
    market.documents[4] = {**service, "metadata": hidden}
    market.rule("Sidecar", "shop/default", egress=[{"hosts": ["data/*"]}])
    new = market.mesh()

    (fields,) = lines(old, new)

    assert {field.partition(".")[0] for field in fields} == {"spec", "metadata"}


def test_of_many_differing_resources_the_one_that_counts_is_found(market, monkeypatch) -> None:
    monkeypatch.setattr(cause, "MAX_SINGLES", 2)
    old = market.mesh()
    for n in range(9):
        market.pod(f"other/extra-{n}")
    new = routed(market, ("/", 503))

    found = lines(old, new, to_web(old, new), to_web(old, new, likeness="other"))

    assert all(field.startswith("spec.http[0]") for fields in found for field in fields)
    assert all(found)


def test_calls_that_are_alike_but_move_for_other_reasons_are_told_apart(town) -> None:
    base = town.pod("shop/sleep-0", "10.1.0.1").pod("shop/web-0", "10.1.0.2").service("shop/web", "10.9.0.1")
    documents = list(base.documents)
    old = routed(base, ("/a", 500), ("/b", 500))
    base.documents = documents
    new = routed(base, ("/a", 501), ("/b", 502))
    calls = [Asking(to_web(old, new, path=path).question, old, new) for path in ("/a", "/b", "/b/c")]

    @dataclass(frozen=True)
    class ByStatus(Asking):
        def undone_in(self, mesh) -> bool:
            return self.answer(mesh).outbound.response == self.before.outbound.response

    found = lines(old, new, *(ByStatus(call.question, old, new) for call in calls))

    assert found == [
        ["spec.http[0].directResponse.status"],
        ["spec.http[1].directResponse.status"],
        ["spec.http[1].directResponse.status"],
    ]


def test_a_move_that_no_difference_explains_has_no_lines(market) -> None:
    old, new = market.mesh(), strict(market).mesh()
    never = type("Never", (Asking,), {"undone_in": lambda *_: False})(to_web(old, new).question, old, new)

    assert find_causes(old, new, [never]) == [()]
    assert parse_mesh("").resources == ()
