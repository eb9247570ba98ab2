"""Suites as YAML: which captures and mesh, which budgets, expectations and acceptances."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeVar

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.base.moment import parse_moment
from analyzer.base.oddity import Level, Oddity
from analyzer.base.place import YamlPlace
from analyzer.base.spelling import hint
from analyzer.mesh.resource import Node
from analyzer.mesh.source import YamlList, YamlMap, read_documents
from analyzer.verdict.decision import VERDICTS
from analyzer.verdict.filter import Filter, parse_filter
from analyzer.verdict.filter_fields import FIELDS
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.lint.suppression import Suppression, parse_suppression
from analyzer.verdict.record import CallRecord

UNDETERMINED, DISAGREEMENT = "undetermined", "disagreement"
# What a budget may be for: how calls end, and that the packets contradict the decision.
BUDGETED = (*VERDICTS, UNDETERMINED, DISAGREEMENT)

_SUITE_KEYS = ("captures", "mesh", "mesh_config", "since", "until", "where", "budgets", "evidence", "expectations",
               "lint", "expected", "accepted")  # fmt: skip
# What ``lint`` may say: findings of this level fail, and worse ones.
_LEVELS = (Level.ERROR, Level.WARNING, Level.INFO)
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*%")

T = TypeVar("T")


class Amount(Fact, frozen=True):
    """A number of calls, or a share of all in percent."""

    number: float
    percent: bool

    def of(self, total: int) -> float:
        """How many of ``total`` calls it is."""
        return self.number * total / 100 if self.percent else self.number

    def __str__(self) -> str:
        return f"{self.number:g}%" if self.percent else f"{self.number:g}"


class Budget(Fact, frozen=True):
    """At most so many calls that end so."""

    what: str
    most: Amount
    place: YamlPlace

    @property
    def name(self) -> str:
        """What its case is called."""
        return f"budget for {self.what}"


class Expectation(Fact, frozen=True):
    """Every call that ``where`` chooses is as ``expect`` says, and there are ``least`` to ``most`` of them."""

    name: str
    where: Filter
    expect: Filter | None
    least: int
    most: int | None
    place: YamlPlace


class Acceptance(Fact, frozen=True):
    """Calls (``where``) or findings of lint that somebody answers for until a day; ``until`` None is forever.

    ``text`` is the filter, or the pattern of the finding, as written.
    """

    where: Filter | None
    finding: Suppression | None
    text: str
    owner: str
    reason: str
    until: date | None
    place: YamlPlace

    @property
    def name(self) -> str:
        """What its case is called."""
        return f"accepted by {self.owner}: {self.text}"

    def accepts_call(self, call: CallRecord) -> bool:
        """Whether it is about calls, and about this one."""
        return self.where is not None and self.where(call)

    def accepts_finding(self, finding: LintFinding) -> bool:
        """Whether it is about findings, and about this one."""
        return self.finding is not None and self.finding.hides(finding)


class LintBudget(Fact, frozen=True):
    """No finding of lint of this ``level`` or worse, but for accepted ones."""

    level: Level
    place: YamlPlace

    def minds(self, finding: LintFinding) -> bool:
        """Whether a finding is bad enough."""
        return _LEVELS.index(finding.level) <= _LEVELS.index(self.level)


class Evidence(Fact, frozen=True):
    """What there must be to call it a pass: calls, and the share of them that has a verdict."""

    calls: int = 1
    determined: float = 0.0


class Suite(Fact, frozen=True):
    """A suite; paths are as written, relative to its file, times in nanoseconds since the epoch.

    ``expected`` names the file that ``--update`` writes.
    """

    file: str
    captures: tuple[str, ...]
    mesh: tuple[str, ...]
    mesh_config: str | None
    since: int | None
    until: int | None
    where: Filter | None
    budgets: tuple[Budget, ...]
    evidence: Evidence
    expectations: tuple[Expectation, ...]
    lint: LintBudget | None
    expected: str | None
    accepted: tuple[Acceptance, ...]


def parse_suite(text: str, *, file: str) -> Suite:
    """The suite that ``text`` says; raises ``UsageError`` with ``file:line`` for the first thing that is wrong."""
    oddities: list[Oddity] = []
    documents = [each for each in read_documents(text, file, oddities) if each is not None]
    if oddities:
        raise UsageError(str(oddities[0]))
    if len(documents) != 1 or not isinstance(documents[0], YamlMap):
        raise UsageError(f"{file}: found no mapping, expected captures, mesh and what to expect of them")
    node = Node(file, documents[0], documents[0], (), oddities)
    check_keys(node, _SUITE_KEYS)
    suite = Suite(
        file=file,
        captures=_texts(node, "captures"),
        mesh=_texts(node, "mesh"),
        mesh_config=_text(node, "mesh_config"),
        since=_moment(node, "since"),
        until=_moment(node, "until"),
        where=_filter(node, "where"),
        budgets=_budgets(node),
        evidence=_evidence(node),
        expectations=tuple(map(_expectation, _nodes(node, "expectations"))),
        lint=_lint(node),
        expected=_text(node, "expected"),
        accepted=parse_acceptances(_nodes(node, "accepted")),
    )
    if oddities:
        raise UsageError(str(oddities[0]))
    return suite


def parse_acceptances(nodes: Sequence[Node]) -> tuple[Acceptance, ...]:
    """Acceptances, each with an owner and a reason; raises ``UsageError`` where one lacks them."""
    return tuple(map(_acceptance, nodes))


def _wrong(node: Node, key: str, message: str) -> UsageError:
    return UsageError(f"{node.place(key)}: {message}")


def check_keys(node: Node, keys: Sequence[str]) -> None:
    """Raises ``UsageError`` for the first key of a mapping that is none of ``keys``."""
    for key in node:
        if key not in keys:
            meant = hint(key, keys) or f"; expected one of {', '.join(keys)}"
            raise _wrong(node, key, f"found {key!r}, which means nothing here{meant}")


def _text(node: Node, key: str) -> str | None:
    value = node.value.get(key)
    if value is not None and not isinstance(value, str):
        raise _wrong(node, key, f"found {value!r}, expected text")
    return value


def _moment(node: Node, key: str) -> int | None:
    """A time: RFC 3339, or seconds since the epoch as text or number."""
    value = node.value.get(key)
    if value is None:
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise _wrong(node, key, "expected a time")
    return parse_moment(str(value), str(node.place(key)))


def _texts(node: Node, key: str) -> tuple[str, ...]:
    value = node.value.get(key)
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise _wrong(node, key, f"expected {key}: a path, or a list of paths")
    return tuple(found)


def _nodes(node: Node, key: str) -> tuple[Node, ...]:
    value = node.value.get(key)
    if value is not None and not (isinstance(value, YamlList) and all(isinstance(each, YamlMap) for each in value)):
        raise _wrong(node, key, "expected a list of mappings")
    return node.nodes(key)


def _filter(node: Node, key: str) -> Filter | None:
    text = _text(node, key)
    return _at(node, key, lambda: parse_filter(text)) if text is not None else None


def _at(node: Node, key: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except UsageError as error:
        raise _wrong(node, key, str(error)) from None


def _amount(node: Node, key: str) -> Amount:
    value = node.value.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Amount(value, False)
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise _wrong(node, key, f"found {value!r}, expected a number of calls or a share such as 5%")
    return Amount(float(match[1]), True)


def _budgets(node: Node) -> tuple[Budget, ...]:
    budgets = node.node("budgets")
    check_keys(budgets, BUDGETED)
    return tuple(Budget(key, _amount(budgets, key), budgets.place(key)) for key in budgets)


def _evidence(node: Node) -> Evidence:
    evidence = node.node("evidence")
    check_keys(evidence, ("calls", "determined"))
    calls = _amount(evidence, "calls") if "calls" in evidence else Amount(1, False)
    determined = _amount(evidence, "determined") if "determined" in evidence else Amount(0, True)
    if calls.percent:
        raise _wrong(evidence, "calls", "expected a number of calls")
    if not determined.percent:
        raise _wrong(evidence, "determined", "expected a share such as 95%")
    return Evidence(int(calls.number), determined.number)


def _expectation(node: Node) -> Expectation:
    check_keys(node, ("name", "where", "expect", "calls"))
    where = _filter(node, "where")
    if where is None:
        raise _wrong(node, "where", "expected where: a filter that chooses the calls")
    counts = node.node("calls")
    check_keys(counts, ("at_least", "at_most"))
    most = counts.integer("at_most") if "at_most" in counts else None
    least = counts.integer("at_least") if "at_least" in counts else 0 if most == 0 else 1
    return Expectation(
        _text(node, "name") or where.text,
        where,
        _expected(node),
        least,
        most,
        node.place("name" if "name" in node else "where"),
    )


def _expected(node: Node) -> Filter | None:
    """A filter; or a mapping of fields to the value, or the list of values, that each must have."""
    value = node.value.get("expect")
    if value is None or isinstance(value, str):
        return _filter(node, "expect")
    if not isinstance(value, YamlMap) or not value:
        raise _wrong(node, "expect", "expected a filter, or fields with their values")
    fields = node.node("expect")
    check_keys(fields, tuple(FIELDS))
    parts = [_at(fields, key, lambda key=key: parse_filter(_spelled(key, fields.value[key]))) for key in fields]  # type: ignore[misc]
    return Filter(" and ".join(part.text for part in parts), lambda call: all(part(call) for part in parts))


def _spelled(field: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{field} in [{', '.join(map(_literal, value))}]"
    return f"{field} == {_literal(value)}"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _lint(node: Node) -> LintBudget | None:
    name = _text(node, "lint")
    if name is None:
        return None
    level = next((level for level in _LEVELS if level.value == name), None)
    if level is None:
        levels = [each.value for each in _LEVELS]
        raise _wrong(node, "lint", f"found {name!r}, expected one of {', '.join(levels)}{hint(name, levels)}")
    return LintBudget(level, node.place("lint"))


def _acceptance(node: Node) -> Acceptance:
    check_keys(node, ("where", "finding", "owner", "reason", "until"))
    where, finding = _filter(node, "where"), _text(node, "finding")
    owner, reason, until = _text(node, "owner"), _text(node, "reason"), _text(node, "until")
    key = "where" if finding is None else "finding"
    if where is not None and finding is not None:
        raise _wrong(node, key, "found where and finding, expected one of them")
    missing = [name for name, value in (("owner", owner), ("reason", reason)) if not value]
    missing = [*(["where or finding"] if where is None and finding is None else []), *missing]
    if missing or not owner or not reason:
        raise _wrong(node, key, f"found no {' and no '.join(missing)}: who accepts which calls or findings, and why")
    return Acceptance(
        where=where,
        finding=_at(node, key, lambda: _pattern(finding)) if finding is not None else None,
        text=where.text if where is not None else finding or "",
        owner=owner,
        reason=reason,
        until=_at(node, "until", lambda: _date(until)) if until else None,
        place=node.place(key),
    )


def _pattern(text: str) -> Suppression:
    """Few suites name findings, and all analysers come with the names of their codes: so the import is here."""
    from analyzer.verdict.lint.analysers import CODES

    return parse_suppression(text, CODES, source="finding")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"found {text!r}, expected a day such as 2026-12-31") from None
