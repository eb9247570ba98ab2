"""The file of recorded ends: who called what, and where that ended when somebody last looked and found it right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Oddity
from analyzer.base.place import YamlPlace
from analyzer.base.secret import redact_host, redact_target
from analyzer.base.spelling import hint
from analyzer.mesh.resource import Node
from analyzer.mesh.source import YamlList, YamlMap, read_documents
from analyzer.verdict.check.case import RECORDED, Blame, Case, blame
from analyzer.verdict.check.suite import check_keys
from analyzer.verdict.compare import CallKey, Ending, ending_of
from analyzer.verdict.decision import VERDICTS
from analyzer.verdict.drift import key_of
from analyzer.verdict.record import CallRecord

# The fields of an end, by their names in the file; those that are empty are left out.
_END_FIELDS = ("verdict", "cluster", "gateway", "inbound", "code", "flag")
_NO_VERDICT = "null"
_KEY_FIELDS = {"from": "client", "to": "target", "protocol": "protocol", "method": "method", "path": "path"}


class RecordedCall(Fact, frozen=True):
    """Who calls what, and the ways in which it ends with how many calls each; ``place`` is None for a new one."""

    key: CallKey
    ends: Mapping[Ending, int]
    place: YamlPlace | None = None


def record_ends(calls: Iterable[CallRecord]) -> tuple[RecordedCall, ...]:
    """What there is to record of a run, by who calls what; without secrets."""
    found: dict[CallKey, dict[Ending, int]] = {}
    for call in calls:
        ends, end = found.setdefault(_key(call), {}), _end(call)
        ends[end] = ends.get(end, 0) + 1
    return tuple(RecordedCall(key, dict(sorted(found[key].items()))) for key in sorted(found))


def recorded_object(recorded: RecordedCall) -> dict[str, object]:
    """A recorded call in the words of its file."""
    said: dict[str, object] = {name: getattr(recorded.key, of) for name, of in _KEY_FIELDS.items()}
    said = {name: value for name, value in said.items() if value}
    said["ends"] = [
        {name: value for name in _END_FIELDS if (value := _said(end, name))} | {"calls": calls}
        for end, calls in recorded.ends.items()
    ]
    return said


def parse_recorded(text: str, *, file: str) -> tuple[RecordedCall, ...]:
    """What a file of recorded ends says; raises ``UsageError`` with ``file:line`` where it is none."""
    oddities: list[Oddity] = []
    documents = [each for each in read_documents(text, file, oddities) if each is not None]
    if oddities:
        raise UsageError(str(oddities[0]))
    items = documents[0] if len(documents) == 1 else YamlList()
    if len(documents) > 1 or not isinstance(items, YamlList):
        raise UsageError(f"{file}: found no list of calls; write it with `meshverdict check --update`")
    recorded = []
    for item, (line, _) in zip(items, items.places, strict=True):
        if not isinstance(item, YamlMap):
            raise UsageError(f"{file}:{line}: found no mapping; write the file with `meshverdict check --update`")
        recorded.append(_parse(Node(file, item, item, (), oddities)))
    if oddities:
        raise UsageError(str(oddities[0]))
    return tuple(recorded)


def compare_recorded(recorded: Iterable[RecordedCall], calls: Iterable[CallRecord], *, file: str) -> tuple[Case, ...]:
    """A case for each recorded call, and one for each call that is in no record."""
    by_key: dict[CallKey, list[CallRecord]] = {}
    for call in calls:
        by_key.setdefault(_key(call), []).append(call)
    known = {each.key: each for each in recorded}
    cases = [_case(each, by_key.get(key, [])) for key, each in known.items()]
    return (*cases, *(_new_case(key, by_key[key], file) for key in sorted(by_key.keys() - known.keys())))


def _key(call: CallRecord) -> CallKey:
    key = key_of(call)
    return replace(key, target=redact_host(key.target), path=redact_target(key.path))


def _end(call: CallRecord) -> Ending:
    return replace(ending_of(call.decision), reason="")


def _parse(node: Node) -> RecordedCall:
    check_keys(node, (*_KEY_FIELDS, "ends"))
    for end in node.nodes("ends"):
        check_keys(end, (*_END_FIELDS, "calls"))
        _check_verdict(end)
    key = CallKey(**{of: node.text(name) for name, of in _KEY_FIELDS.items()})
    ends = {
        Ending(
            verdict="" if end.text("verdict") == _NO_VERDICT else end.text("verdict"),
            reason="",
            cluster=end.text("cluster"),
            flag=end.text("flag"),
            code=end.integer("code"),
            gateway=end.text("gateway"),
            inbound=end.text("inbound"),
        ): end.integer("calls", 1)
        for end in node.nodes("ends")
    }
    return RecordedCall(key, ends, node.place())


def _check_verdict(end: Node) -> None:
    written = end.value.get("verdict", "")
    found = end.text("verdict")
    if written is not None and found not in (*VERDICTS, _NO_VERDICT):
        expected = f"one of {', '.join(VERDICTS)}, or null{hint(found, VERDICTS)}"
        raise UsageError(f"{end.place('verdict')}: found {found!r}, expected {expected}")


def _said(end: Ending, name: str) -> object:
    value = getattr(end, name)
    return value or _NO_VERDICT if name == "verdict" else value


def _case(recorded: RecordedCall, calls: list[CallRecord]) -> Case:
    assert recorded.place is not None
    odd = [call for call in calls if _end(call) not in recorded.ends]
    seen = {_end(call) for call in calls}
    passed = not odd and seen == recorded.ends.keys()
    got = "; ".join(_end_phrase(end) for end in sorted(seen)) if calls else "no such call"
    return Case(
        name=key_phrase(recorded.key),
        kind=RECORDED,
        passed=passed,
        expected="; ".join(map(_end_phrase, recorded.ends)),
        got=got,
        place=recorded.place,
        blame=Blame() if passed else blame(odd, inside=all(_left_as_recorded(call, recorded) for call in odd)),
    )


def _left_as_recorded(call: CallRecord, recorded: RecordedCall) -> bool:
    """Whether all that is new about an end is what the server's sidecar does."""
    end = _end(call)
    return any(replace(known, verdict=end.verdict, inbound=end.inbound) == end for known in recorded.ends)


def _new_case(key: CallKey, calls: list[CallRecord], file: str) -> Case:
    got = "; ".join(_end_phrase(end) for end in sorted({_end(call) for call in calls}))
    return Case(key_phrase(key), RECORDED, False, "no such call", got, YamlPlace(file, 1), blame(calls))


def key_phrase(key: CallKey) -> str:
    """Who calls what, in a line; HTTP/1.1 goes without saying."""
    words = [key.method, key.path] if key.method or key.path else []
    words += [] if words and key.protocol == "http/1.1" else [key.protocol]
    return f"{key.client} → {key.target} {' '.join(word for word in words if word)}".rstrip()


def _end_phrase(end: Ending) -> str:
    answer = " ".join(word for word in (str(end.code or ""), end.flag) if word)
    where = [answer, end.gateway, end.cluster, end.inbound]
    return " · ".join(word for word in (end.verdict or "undetermined", *where) if word)
