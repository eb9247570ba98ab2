"""The lines of calls that are alike, and of their connections, from columns: patterns filled by a kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, distinct, numbered
from analyzer.flow.connections import Connections
from analyzer.report.json_text import CallText, quoted
from analyzer.report.line_pattern import (
    CALL_NUMBERS,
    CALL_TEXTS,
    FLOW_NUMBERS,
    FLOW_TEXTS,
    around_server,
    call_pattern,
    flow_pattern,
)
from analyzer.report.line_sheet import LineSheet
from analyzer.report.record_form import LINES, RecordForm
from analyzer.report.spill import Keys, Spill
from analyzer.report.texts import Texts
from analyzer.verdict.alone_rows import AloneRows
from analyzer.verdict.decision import VERDICTS
from analyzer.verdict.exemplars import Asker, Exemplar
from analyzer.verdict.record import CallRecord

# The holes that a client fills, and those that a connection fills with what it was seen by.
_OF_ASKERS = ("pod", "who", "redirect", "told")
_SEEN = {"begin": "first_packet", "end": "last_packet"}
# RFC 3339, without the letter for UTC, up to the second; and a second's decimals.
_SECOND, _DECIMALS = "1970-01-01T00:00:00", 9
Values = dict[str, I64]


class AloneLines:
    """Writes the lines of calls and of flows."""

    def __init__(self, text: CallText, capture: str, form: RecordForm = LINES) -> None:
        self._text = text
        self._form = form
        self._texts = Texts()
        self._calls = LineSheet(self._texts, (*CALL_TEXTS, *CALL_NUMBERS), CALL_NUMBERS)
        self._flows = LineSheet(self._texts, (*FLOW_TEXTS, *FLOW_NUMBERS), FLOW_NUMBERS)
        flow = flow_pattern(capture, form)
        self._flow = None if flow is None else self._flows.add(flow)
        # By the identity of what they are of, which each keeps: numbers of patterns, and of texts.
        self._patterns: dict[tuple[int, str], tuple[Exemplar, int]] = {}
        self._askers: dict[tuple[str, int], tuple[Asker, tuple[int, ...]]] = {}

    @property
    def size(self) -> int:
        """How many bytes of texts are kept."""
        return self._texts.size

    @property
    def records(self) -> list[CallRecord]:
        """Those of the exemplars so far."""
        return [exemplar.record for exemplar, _ in self._patterns.values()]

    def shown(self, rows: AloneRows) -> AloneRows:
        """The calls of connections all of whose calls can be written."""
        if self._flow is None:
            return rows.without(rows.connection)
        return rows.without(rows.connection[self._patterns_of(rows) < 0])

    def _pattern(self, exemplar: Exemplar | None, before_server: str) -> int:
        if exemplar is None:
            return -1
        known = self._patterns.get((id(exemplar), before_server))
        if known is None:
            pattern = call_pattern(exemplar, self._text, self._form, before_server=before_server)
            known = exemplar, -1 if pattern is None else self._calls.add(pattern)
            self._patterns[id(exemplar), before_server] = known
        return known[1]

    def write(self, rows: AloneRows, connections: Connections, calls: Spill, flows: Spill) -> None:
        """Write the lines of calls that are ``shown``, and of their connections."""
        which = distinct(rows.connection)
        if self._flow is None or not len(which):
            return
        at = np.searchsorted(which, rows.connection)
        # Texts that are kept come before those that are forgotten in the end.
        patterns, kept = self._patterns_of(rows), self._kept(which, connections)
        askers, judged = self._of_askers(rows), self._judged(rows, at, which)
        mark = self._texts.mark()
        kept |= {name: self._texts.add_names(names.bytes[which]) for name, names in connections.names.items()}
        of_calls = {name: column[at] for name, column in kept.items() if name in CALL_TEXTS}
        of_calls |= {"ip": kept["client_ip"][at], "port": kept["client_port"][at], **askers, **self._own(rows)}
        of_calls |= {name: connections.extents[seen][rows.connection] for name, seen in _SEEN.items()}
        extents = {name: column[which] for name, column in connections.extents.items() if name in FLOW_NUMBERS}
        ips = connections.clients.ips
        keys = Keys(ips.values, ips.codes[rows.connection], rows.begin_ns, of_calls["port"], rows.ordinal)
        calls.add_rows(self._calls, patterns, of_calls, kept=mark.texts, keys=keys)
        keys = Keys(ips.values, ips.codes[which], extents["first_ns"], kept["client_port"], np.zeros_like(which))
        of_flows = {**extents, **kept, **judged}
        flows.add_rows(self._flows, np.full(len(which), self._flow), of_flows, kept=mark.texts, keys=keys)
        self._texts.cut(mark)

    def _patterns_of(self, rows: AloneRows) -> I64:
        """The pattern of each line, -1 where it has none."""
        beginnings, of_askers = numbered(self._redirect_text(asker)[0] if asker else "" for asker in rows.askers)
        kinds = rows.kind * len(beginnings) + of_askers[rows.asker]
        patterns = np.full(len(rows.kinds) * len(beginnings), -1)
        for each in distinct(kinds).tolist():
            kind, beginning = divmod(each, len(beginnings))
            patterns[each] = self._pattern(rows.kinds[kind], beginnings[beginning])
        found: I64 = patterns[kinds]
        return found

    def _redirect_text(self, asker: Asker) -> tuple[str, str]:
        """The step about iptables: what comes before the server, where it says the same of all, and the rest."""
        step = self._text.step_text(asker.own.redirect) if asker.own else ""
        return ("", step) if asker.named is None else around_server(step, asker.named)

    def _number(self, text: str) -> int:
        """The number of a text as it stands between quotes."""
        return self._texts.number(quoted(text)[1:-1])

    def _kept(self, which: I64, connections: Connections) -> Values:
        """The columns of connections whose texts many of them share."""
        clients, servers, number = connections.clients, connections.servers, self._texts.number
        return {
            "client_ip": clients.ips.numbers(number, which),
            "client_port": clients.ports[which],
            "server_ip": servers.ips.numbers(number, which),
            "server_port": servers.ports[which],
            "conn_state": connections.coded["conn_state"].numbers(number, which),
            "history": connections.coded["history"].numbers(number, which),
        }

    def _of_askers(self, rows: AloneRows) -> Values:
        """What clients fill."""
        columns = np.array([self._asker_texts(asker) for asker in rows.askers], np.int64)[rows.asker].T
        return dict(zip(_OF_ASKERS, columns, strict=True))

    def _asker_texts(self, asker: Asker | None) -> tuple[int, ...]:
        if asker is None:
            return (0,) * len(_OF_ASKERS)
        name, own = asker.pod.full_name, asker.own
        known = self._askers.get((name, id(own)))
        if known is None:
            steps = self._redirect_text(asker)[1], self._text.step_text(own.told) if own else ""
            who = self._text.phrase(f"{name} ")
            numbers = self._number(name), *map(self._texts.number, (who, *steps))
            known = self._askers[name, id(own)] = asker, numbers
        return known[1]

    def _judged(self, rows: AloneRows, at: I64, which: I64) -> Values:
        """What the lines of connections say of their calls: protocol, the worst verdict, and how many."""
        protocols = [self._number(kind.record.protocol) if kind else 0 for kind in rows.kinds]
        verdicts, worst = [self._number(verdict) for verdict in VERDICTS], np.zeros(len(which), np.int64)
        np.maximum.at(worst, at, rows.verdict)
        return {
            "protocol": np.array(protocols)[rows.kind[np.searchsorted(rows.connection, which)]],
            "verdict": np.array(verdicts)[worst],
            "calls": np.bincount(at),
        }

    def _own(self, rows: AloneRows) -> Values:
        """What each call has of its own."""
        paths, phrases = (np.append(numbers, 0) for numbers in self._of_targets(rows.targets))
        return {
            "path": paths[rows.target], "phrase": phrases[rows.target], "first": rows.first, "last": rows.last,
            "asked": rows.asked, "request": rows.ordinal, "first_ns": rows.begin_ns, "last_ns": rows.end_ns,
            "time": self._texts.add_names(_moments(rows.begin_ns)),
        }  # fmt: skip

    def _of_targets(self, targets: Sequence[str]) -> tuple[I64, I64]:
        """The numbers of request targets as they are shown, and as sentences show them."""
        if self._text.shows_as_sent(targets):
            numbers = self._texts.add_texts(targets)
            return numbers, numbers
        shown = [self._text.path_texts(target) for target in targets]
        paths = self._texts.add_texts([path[1:-1] for path, _ in shown])
        return paths, self._texts.add_texts([phrase for _, phrase in shown])


def _moments(times_ns: I64) -> NDArray[np.bytes_]:
    """RFC 3339 with nine decimals, without the letter for UTC: NumPy takes ten times as long."""
    seconds, rest = np.divmod(times_ns, 10**_DECIMALS)
    different = distinct(seconds)
    texts = np.datetime_as_string(different.astype("M8[s]"), unit="s").astype(f"S{len(_SECOND)}")
    rows = np.empty((len(times_ns), len(_SECOND) + 1 + _DECIMALS), np.uint8)
    rows[:, : len(_SECOND)] = texts.view(np.uint8).reshape(-1, len(_SECOND))[np.searchsorted(different, seconds)]
    rows[:, len(_SECOND)] = ord(".")
    for at in range(rows.shape[1] - 1, len(_SECOND), -1):
        rest, digit = np.divmod(rest, 10)
        rows[:, at] = digit + ord("0")
    return rows.view(f"S{rows.shape[1]}").reshape(-1)
