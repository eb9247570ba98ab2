"""The line of one call with holes for what is its own: the lines of all calls that are alike are made of it.

Calls are alike where the mesh decides them alike and the packets show the same (``verdict/exemplars.py``). Their lines
differ in who asked from which port, in packets, times and paths. So one line is written as every line is, of a record
whose own values are marks; where the marks stand are the holes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.flow.connection import Endpoint
from analyzer.report.json_text import CallText, flow_text
from analyzer.report.line_sheet import NUMBERED, LinePattern
from analyzer.report.record_form import LINES, RecordForm
from analyzer.report.wording import format_time
from analyzer.verdict.decision import Step
from analyzer.verdict.exemplars import Exemplar
from analyzer.verdict.likeness import Own, retell
from analyzer.verdict.record import CallRecord, FlowRecord

# What a mark begins and ends with. Such a character anywhere else in a line makes the line nobody's pattern.
_EDGE = "~"
# An address of version 6 is known by a colon.
_OF_6 = ":6"


class _Mark(int):
    """A number that is written as a mark."""

    name: str

    def __new__(cls, name: str, value: int = 0) -> _Mark:
        mark = super().__new__(cls, value)
        mark.name = name
        return mark

    def __str__(self) -> str:
        return f"{_EDGE}{self.name}{_EDGE}"


_FIRST_NS = _Mark("first_ns", 4_102_444_799_123_456_789)
_OWN = Own(Step("~redirect~"), Step("~told~"))
# What stands around some marks and belongs to their holes: before and behind.
_STEP = '{"sentence":"', '","packets":{},"yaml":[]}'
_AROUND: Mapping[str, tuple[str, str]] = {"redirect": _STEP, "told": _STEP}
# ``time`` is ``first_ns`` in words but for its last letter, and stands in front of it.
_TIME = f'"time":"{format_time(_FIRST_NS)}","first_ns":'
# What holes are filled with. Texts are as they stand between quotes; ``redirect`` and ``told`` are whole steps, ``who``
# and ``phrase`` are client and path as sentences have them.
CALL_TEXTS = (
    "ip", "pod", "who", "uid", "community_id", "conn_state", "history", "redirect", "told", "path", "phrase", "time",
)  # fmt: skip
CALL_NUMBERS = ("port", "begin", "end", "first", "last", "asked", "request", "first_ns", "last_ns")
FLOW_TEXTS = (
    "uid", "community_id", "client_ip", "server_ip", "protocol", "verdict", "conn_state", "history",
)  # fmt: skip
FLOW_NUMBERS = (
    "client_port", "server_port", "calls", "first_ns", "last_ns", "client_packets", "server_packets", "client_bytes",
    "server_bytes", "missed_bytes",
)  # fmt: skip
# The marks of a line, with the path (once as a field, then in a sentence) and the client's own steps where it has them.
_OF_ALL = Counter(
    number=1, ip=5, port=5, pod=1, who=1, uid=2, community_id=1, conn_state=1, history=1, first=1, last=2, begin=2,
    end=1, asked=1, request=1, first_ns=1, last_ns=1,
)  # fmt: skip
_OF_PATH = ("path", "path")
_OF_CLIENT = ("redirect", "told")


def call_pattern(
    exemplar: Exemplar, text: CallText, form: RecordForm = LINES, *, before_server: str = ""
) -> LinePattern | None:
    """The pattern of an exemplar's line; None where what looks like a mark may be none.

    ``before_server`` is how the step about iptables begins for clients to whom it says the same of all servers:
    ``redirect`` is then what comes behind the server.
    """
    blank = _blank(exemplar)
    if blank is None:
        return None
    parts = text.write(blank, form.opening("call")).split(_EDGE)
    marks = [name.removesuffix(_OF_6) for name in parts[1::2]]
    expected = Counter(_OF_ALL)
    expected.update(_OF_PATH if blank.path else ())
    expected.update(_OF_CLIENT if exemplar.place is not None else ())
    if len(parts) % 2 == 0 or Counter(marks) != expected:
        return None
    if blank.path:
        marks[marks.index("path", marks.index("path") + 1)] = "phrase"
    literals = parts[::2]
    for at, name in enumerate(marks):
        if name in _AROUND:
            before, behind = _AROUND[name]
            literals[at] = literals[at].removesuffix(before)
            literals[at + 1] = literals[at + 1].removeprefix(behind)
            if name == "redirect" and before_server:
                literals[at] += before_server + _in_steps(exemplar.record.server)
    at = marks.index("first_ns")
    literals[at : at + 1] = f'{literals[at].removesuffix(_TIME)}"time":"', 'Z","first_ns":'
    marks.insert(at, "time")
    literals[-1] += form.behind
    return LinePattern(literals, marks)


def around_server(step: str, server: Endpoint) -> tuple[str, str]:
    """What comes before and behind a server in the text of a step; all of it is behind where the step names none."""
    before, named, behind = step.partition(_in_steps(server))
    return (before, behind) if named else ("", before)


def _in_steps(server: Endpoint) -> str:
    return f"{server.ip}:{server.port}"


def flow_pattern(capture: str, form: RecordForm = LINES) -> LinePattern | None:
    """The pattern of the lines of a capture's flows; as ``call_pattern``."""
    marks: dict[str, Any] = {name: f"{_EDGE}{name}{_EDGE}" for name in FLOW_TEXTS}
    marks |= {name: _Mark(name) for name in FLOW_NUMBERS}
    marks |= {end: Endpoint(marks.pop(f"{end}_ip"), marks.pop(f"{end}_port")) for end in ("client", "server")}
    parts = form.record("flow", flow_text(FlowRecord(capture=capture, **marks))).split(_EDGE)
    literals, holes = parts[::2], parts[1::2]
    return LinePattern(literals, holes) if sorted(holes) == sorted(FLOW_TEXTS + FLOW_NUMBERS) else None


def _blank(exemplar: Exemplar) -> CallRecord | None:
    """The record with marks for its own values."""
    record, place = exemplar.record, exemplar.place
    (leg,), (asked, redirected), (ended,) = record.legs, record.before, record.after
    client = Endpoint(f"~ip{_OF_6}~" if ":" in record.client.ip else "~ip~", _Mark("port"))
    sentence = _blank_sentence(asked.sentence, record, client)
    if sentence is None:
        return None
    capture = leg.capture
    return replace(
        record,
        id=f"{_EDGE}{NUMBERED}{_EDGE}",
        packets=((capture, _Mark("first"), _Mark("last")),),
        pod="~pod~",
        client=client,
        request=_Mark("request"),
        path=None if record.path is None else "~path~",
        legs=(replace(leg, client=client, first_packet=_Mark("begin"), last_packet=_Mark("end"), uid="~uid~"),),
        decision=record.decision if place is None else retell(record.decision, place, _OWN),
        first_ns=_FIRST_NS,
        last_ns=_Mark("last_ns"),
        uid="~uid~",
        community_id="~community_id~",
        conn_state="~conn_state~",
        history="~history~",
        before=(
            replace(asked, sentence=sentence, packets=(PacketPlace(capture, _Mark("asked")),)),
            replace(redirected, packets=(PacketPlace(capture, _Mark("begin")),)),
        ),
        after=(replace(ended, packets=(PacketPlace(capture, _Mark("last")),)),),
    )


def _blank_sentence(sentence: str, record: CallRecord, client: Endpoint) -> str | None:
    """The sentence that names the client and quotes the path; None where it is another one."""
    who = f"{record.pod} ({record.client})"
    if not sentence.startswith(who):
        return None
    what = sentence.removeprefix(who)
    if record.path is not None:
        before, path, after = what.partition(f" {record.path} ")
        if not path:
            return None
        what = f"{before} ~path~ {after}"
    return f"~who~({client}){what}"
