"""Calls and flows as JSON text, put together from pieces that many of them share.

``json_objects`` says what a line holds; this is the same text, byte for byte, without an object for each line. What
calls have in common (a decision, legs, the words around a path) is written once; of each call only what is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from analyzer.base.fact import Fact
from analyzer.base.place import PacketPlace
from analyzer.base.secret import redact_host, redact_target, redact_text, shows_no_secret
from analyzer.flow.connection import Endpoint
from analyzer.report.display_filter import display_filter
from analyzer.report.json_objects import Object, decided_object, encode, inside_object, observed_object, step_object
from analyzer.report.private import redact_inside, redact_observed, redact_step
from analyzer.report.wording import format_time
from analyzer.verdict.decision import Decision, Step
from analyzer.verdict.record import CallRecord, FlowRecord, InsideRequest, Leg, Observed

Thing = TypeVar("Thing")
Value = TypeVar("Value", bound=Hashable)
Text = TypeVar("Text")

# So many texts of a kind are remembered; then remembering begins anew.
_REMEMBERED = 1 << 14
# The steps of a decision in which alike clients are named; those behind them are one object for all of these.
_OWN_STEPS = 2


class _ByValue(Generic[Value, Text]):
    """The texts of values, each written once."""

    def __init__(self, write: Callable[[Value], Text]) -> None:
        self._write = write
        self._texts: dict[Value, Text] = {}

    def __call__(self, value: Value) -> Text:
        found = self._texts.get(value)
        if found is None:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            found = self._texts[value] = self._write(value)
        return found


class _ByIdentity(Generic[Thing]):
    """The texts of objects that are shared and take long to hash; each is kept, so that its identity stays its own."""

    def __init__(self, write: Callable[[Thing], str]) -> None:
        self._write = write
        self._texts: dict[int, tuple[Thing, str]] = {}

    def __call__(self, thing: Thing) -> str:
        found = self._texts.get(id(thing))
        if found is None:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            found = self._texts[id(thing)] = thing, self._write(thing)
        return found[1]

    def forget(self) -> None:
        """Let go of all objects."""
        self._texts.clear()


class _Frame(Fact, frozen=True):
    """What the texts of a connection's calls have in common, in the order of the text; ``of`` keeps its key its own."""

    captures: str
    ends: str
    before_path: str
    after_path: str
    middle: str
    names: str
    of: CallRecord


class CallText:
    """Writes calls; ``redact`` takes the secrets out of what was sent."""

    def __init__(self, *, redact: bool) -> None:
        self._redact = redact
        self._word = _ByValue(quoted)
        self._words = _ByValue(_write_words)
        self._host = _ByValue(self._write_host)
        self.path_texts = _ByValue(self._write_path)
        self.phrase = _ByValue(self._write_phrase)
        self.step_text = _ByIdentity(self._write_step)
        self._evidence = _ByIdentity(self._write_evidence)
        self._shared_steps: dict[tuple[int, ...], tuple[tuple[Step, ...], str]] = {}
        self._observed = _ByIdentity(self._write_observed)
        self._legs = _ByIdentity(self._write_legs)
        self._filter = _ByIdentity(_write_filter)
        self._sides: dict[Hashable, tuple[Decision, str]] = {}
        self._frames: dict[Hashable, _Frame] = {}

    def write(self, call: CallRecord, opening: str = "{") -> str:
        """What ``call_object`` encodes to; ``opening`` stands for its first brace."""
        frame = self._frame_of(call)
        path, phrase = self.path_texts(call.path) if call.path is not None else ("", "")
        return (
            f'{opening}"id":{quoted(call.id)}{frame.captures}{self._packets(call.packets)}'
            f"{frame.ends}{call.request}{frame.before_path}{path}{frame.after_path}"
            f"{self._first_steps(call, phrase)}{frame.middle}{self._last_steps(call)}"
            f'],"time":"{format_time(call.first_ns)}","first_ns":{call.first_ns},"last_ns":{call.last_ns},'
            f"{self._end(frame.names, call.inside)}"
        )

    def shows_as_sent(self, paths: Iterable[str]) -> bool:
        """Whether all of some request targets certainly stand in lines and in sentences as they were sent."""
        # No secret has a blank in it, and what shows none in a text shows none in its parts.
        text = " ".join(paths)
        return _is_plain(text) and (not self._redact or shows_no_secret(text))

    def forget_calls(self) -> None:
        """Let go of the calls that were written; what the decisions of the next ones share is kept."""
        self._frames.clear()
        self._legs.forget()
        self._filter.forget()

    def _end(self, names: str, inside: tuple[InsideRequest, ...]) -> str:
        """The end of a call's object, with what a key log shows inside its TLS."""
        if not inside:
            return names
        shown = redact_inside(inside) if self._redact else inside
        return f'{names[:-1]},"inside":{encode(inside_object(shown)).decode()}}}'

    def _frame_of(self, call: CallRecord) -> _Frame:
        key = (
            id(call.legs), id(call.decision), id(call.observed), id(call.client), id(call.server), call.captures,
            call.pod, call.server_pod, call.protocol, call.host, call.method, call.path is None, call.sni, call.alpn,
            call.uid, call.community_id, call.conn_state, call.history, *map(id, call.before[1:]),
        )  # fmt: skip
        found = self._frames.get(key)
        if found is None:
            if len(self._frames) >= _REMEMBERED:
                self._frames.clear()
            found = self._frames[key] = self._write_frame(call)
        return found

    def _write_frame(self, call: CallRecord) -> _Frame:
        middle = [self._packet_step(step) for step in call.before[1:]]
        if call.decision.steps:
            middle.append(self._evidence(call.decision))
        before_path, after_path = self._said(call)
        return _Frame(
            f',"captures":{self._words(call.captures)},"packets":',
            f',{_write_ends(call)},"request":',
            f',"protocol":{self._word(call.protocol)}{before_path}',
            f'{after_path},{self._decided(call.decision)},"observed":{self._observed(call.observed)},'
            f'"legs":{self._legs(call.legs)},"evidence":[',
            ",".join(middle),
            f'{_write_names(call)},"display_filter":{self._filter(call.legs)}}}',
            call,
        )

    def _packets(self, packets: tuple[tuple[str, int, int], ...]) -> str:
        if len(packets) == 1:
            ((capture, first, last),) = packets
            return f"{{{self._word(capture)}:[{first},{last}]}}"
        return encode({capture: (first, last) for capture, first, last in packets}).decode()

    def _write_path(self, path: str) -> tuple[str, str]:
        """A request target as it is shown, and as a sentence shows it, without quotes around it."""
        if not self._redact or shows_no_secret(path):
            shown = quoted(path)
            return shown, shown[1:-1]
        return quoted(redact_target(path)), quoted(redact_text(path))[1:-1]

    def _said(self, call: CallRecord) -> tuple[str, str]:
        """The fields that are only there where they have a value: up to the path's, and behind it."""
        before = f',"host":{self._host(call.host)}' if call.host is not None else ""
        if call.method is not None:
            before += f',"method":{self._word(call.method)}'
        if call.path is not None:
            before += ',"path":'
        after = f',"sni":{self._host(call.sni)}' if call.sni is not None else ""
        return before, f'{after},"alpn":{self._words(call.alpn)}' if call.alpn else after

    def _decided(self, decision: Decision) -> str:
        """The fields of a decision; decisions for alike clients share their sides."""
        key = (
            decision.verdict, decision.reason, decision.undetermined,
            id(decision.outbound), id(decision.gateway), id(decision.inbound),
        )  # fmt: skip
        found = self._sides.get(key)
        if found is None:
            if len(self._sides) >= _REMEMBERED:
                self._sides.clear()
            found = self._sides[key] = decision, _fields(decided_object(decision))
        return found[1]

    def _first_steps(self, call: CallRecord, phrase: str) -> str:
        """The step with the call's own words, where it has one, and what parts it from those that calls share."""
        before = call.before
        if not before:
            return ""
        asked = self._asked(before[0], call, phrase)
        return f"{asked}," if len(before) > 1 or call.decision.steps or call.after else asked

    def _last_steps(self, call: CallRecord) -> str:
        """The steps behind the decision."""
        steps = ",".join([self._packet_step(step) for step in call.after])
        return f",{steps}" if steps and (len(call.before) > 1 or call.decision.steps) else steps

    def _asked(self, step: Step, call: CallRecord, phrase: str) -> str:
        """A step whose sentence names the call's client and may quote its path: other words are those of many calls."""
        # Sentences are redacted word by word, and parentheses part words.
        who, client, what = step.sentence.partition(f"({call.client})")
        if not client:
            return self._written(step, self._quoting(who, call.path, phrase))
        sentence = f"{self.phrase(who)}{self._write_phrase(client)}{self._quoting(what, call.path, phrase)}"
        return self._written(step, sentence)

    def _quoting(self, text: str, path: str | None, phrase: str) -> str:
        """Words that may quote the path, whose text as a phrase is ``phrase``."""
        before, quotes, after = text.partition(path) if path else ("", "", "")
        # As do blanks.
        if quotes and before.endswith(" ") and after.startswith(" "):
            return f"{self.phrase(before)}{phrase}{self.phrase(after)}"
        return self.phrase(text)

    def _packet_step(self, step: Step) -> str:
        """A step of a call's own whose sentence other calls have too."""
        return self._written(step, self.phrase(step.sentence))

    def _written(self, step: Step, sentence: str) -> str:
        """A step whose sentence is written already; most stand on one packet, or on nothing else."""
        if step.yaml or step.lost or len(step.packets) > 1:
            return encode(step_object(redact_step(step) if self._redact else step)).decode()
        place: PacketPlace | None = step.packets[0] if step.packets else None
        packets = f"{self._word(place.capture)}:[{place.packet}]" if place else ""
        return f'{{"sentence":"{sentence}","packets":{{{packets}}},"yaml":[]}}'

    def _write_host(self, host: str) -> str:
        return quoted(redact_host(host) if self._redact else host)

    def _write_phrase(self, text: str) -> str:
        return quoted(redact_text(text) if self._redact else text)[1:-1]

    def _write_evidence(self, decision: Decision) -> str:
        own, shared = decision.steps[:_OWN_STEPS], decision.steps[_OWN_STEPS:]
        texts = [self.step_text(step) for step in own]
        if shared:
            key = tuple(map(id, shared))
            found = self._shared_steps.get(key)
            if found is None:
                if len(self._shared_steps) >= _REMEMBERED:
                    self._shared_steps.clear()
                found = self._shared_steps[key] = shared, ",".join(map(self.step_text, shared))
            texts.append(found[1])
        return ",".join(texts)

    def _write_step(self, step: Step) -> str:
        return self._written(step, self._write_phrase(step.sentence))

    def _write_observed(self, observed: Observed) -> str:
        return encode(observed_object(redact_observed(observed) if self._redact else observed)).decode()

    def _write_legs(self, legs: tuple[Leg, ...]) -> str:
        return f"[{','.join(map(self._leg, legs))}]"

    def _leg(self, leg: Leg) -> str:
        sni = f',"sni":{self._host(leg.sni)}' if leg.sni is not None else ""
        uid = f',"uid":{quoted(leg.uid)}' if leg.uid else ""
        certain = "true" if leg.certain else "false"
        return (
            f'{{"role":{self._word(leg.role)},"capture":{self._word(leg.capture)},'
            f'"client":{_endpoint(leg.client)},"server":{_endpoint(leg.server)},'
            f'"packets":[{leg.first_packet},{leg.last_packet}],"certain":{certain}{sni}{uid}}}'
        )


def flow_text(flow: FlowRecord) -> str:
    """What ``flow_object`` encodes to."""
    return (
        f'{{"uid":{quoted(flow.uid)},"community_id":{quoted(flow.community_id)},"capture":{quoted(flow.capture)},'
        f'"orig_h":{quoted(flow.client.ip)},"orig_p":{flow.client.port},'
        f'"resp_h":{quoted(flow.server.ip)},"resp_p":{flow.server.port},'
        f'"protocol":{quoted(flow.protocol)},"verdict":{_optional(flow.verdict)},"calls":{flow.calls},'
        f'"first_ns":{flow.first_ns},"last_ns":{flow.last_ns},'
        f'"client_packets":{flow.client_packets},"server_packets":{flow.server_packets},'
        f'"client_bytes":{flow.client_bytes},"server_bytes":{flow.server_bytes},'
        f'"missed_bytes":{flow.missed_bytes},"conn_state":{quoted(flow.conn_state)},"history":{quoted(flow.history)}}}'
    )


def quoted(text: str) -> str:
    """A text as JSON; plain ASCII without the encoder."""
    return f'"{text}"' if _is_plain(text) else encode(text).decode()


def _is_plain(text: str) -> bool:
    """Whether nothing in a text is escaped in JSON."""
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text


def _optional(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _write_words(texts: tuple[str, ...]) -> str:
    return encode(texts).decode()


def _write_filter(legs: tuple[Leg, ...]) -> str:
    return quoted(display_filter(legs))


def _fields(value: Object) -> str:
    """An object without its braces."""
    return encode(value).decode()[1:-1]


def _write_ends(call: CallRecord) -> str:
    return (
        f'"pod":{_optional(call.pod)},"client":{_endpoint(call.client)},"server":{_endpoint(call.server)},'
        f'"server_pod":{_optional(call.server_pod)}'
    )


def _write_names(call: CallRecord) -> str:
    return (
        f'"uid":{quoted(call.uid)},"community_id":{quoted(call.community_id)},'
        f'"conn_state":{quoted(call.conn_state)},"history":{quoted(call.history)}'
    )


def _endpoint(endpoint: Endpoint) -> str:
    return f'{{"ip":{quoted(endpoint.ip)},"port":{endpoint.port}}}'
