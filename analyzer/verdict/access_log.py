"""Envoy's access logs: Istio's text format, Envoy's own default one, JSON with Istio's keys, and what a mesh sets.

Formats: https://istio.io/latest/docs/tasks/observability/logs/access-log/ and Envoy's "Access logging" page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.base.moment import parse_moment
from analyzer.verdict.log_format import LogFormat

# Lines longer than this are no log; entries beyond so many of one file are left out.
MAX_LINE = 1 << 16
MAX_ENTRIES = 1_000_000

_HEAD = re.compile(
    r'\[(?P<start>\d{4}-[^\]]{1,40})\] "(?P<method>\S*) (?P<path>\S*) [^"]*" (?P<code>\d+|-) (?P<flags>\S+) '
)
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
# What follows the flags, in Istio's format (pilot/pkg/model/telemetry_logging.go) and in Envoy's own.
_OF_ISTIO = (
    "details", "", "", "", "", "", "", "", "", "request_id", "authority", "upstream_host", "cluster", "upstream_local",
    "downstream_local", "downstream_remote", "sni", "route",
)  # fmt: skip
_OF_ENVOY = ("", "", "", "", "", "", "request_id", "authority", "upstream_host")
_OF_JSON = {
    "method": "method", "path": "path", "response_flags": "flags", "response_code_details": "details",
    "request_id": "request_id", "authority": "authority", "upstream_host": "upstream_host",
    "upstream_cluster": "cluster", "upstream_local_address": "upstream_local",
    "downstream_local_address": "downstream_local", "downstream_remote_address": "downstream_remote",
    "requested_server_name": "sni", "route_name": "route",
}  # fmt: skip


class LogEntry(Fact, frozen=True):
    """A line of an access log, in Envoy's words; what it does not have is empty. ``place`` is ``FILE:LINE``."""

    place: str
    start_ns: int
    code: int = 0
    method: str = ""
    path: str = ""
    flags: str = ""
    details: str = ""
    request_id: str = ""
    authority: str = ""
    upstream_host: str = ""
    cluster: str = ""
    upstream_local: str = ""
    downstream_local: str = ""
    downstream_remote: str = ""
    sni: str = ""
    route: str = ""

    @property
    def inbound(self) -> bool:
        """Whether the server's sidecar wrote it."""
        return self.cluster.startswith("inbound|") or self.cluster == "InboundPassthroughCluster"


def read_access_log(lines: Iterable[str], name: str, formats: Sequence[LogFormat] = ()) -> list[LogEntry]:
    """The entries among ``lines``, of a usual format or of one of ``formats``; a log holds other lines too.

    Raises ``UsageError`` where there is none at all.
    """
    found = list(_entries(lines, name, formats))
    if not found:
        raise UsageError(
            f"{name}: found no line of an Envoy access log, expected Istio's or Envoy's text format, JSON, "
            "or the accessLogFormat of the mesh's MeshConfig (-m)"
        )
    return found


def _entries(lines: Iterable[str], name: str, formats: Sequence[LogFormat]) -> Iterator[LogEntry]:
    count = 0
    for number, line in enumerate(lines, 1):
        entry = None if len(line) > MAX_LINE else _entry_of(line, f"{name}:{number}", formats)
        if entry is not None:
            yield entry
            count += 1
        if count >= MAX_ENTRIES:
            return


def _entry_of(line: str, place: str, formats: Sequence[LogFormat]) -> LogEntry | None:
    for form in formats:
        fields = form.fields_of(line)
        entry = _entry(place, fields.pop("start", ""), fields.pop("code", ""), fields) if fields else None
        if entry is not None:
            return entry
    return _of_json(line, place) if line.startswith("{") else _of_text(line, place)


def _of_text(line: str, place: str) -> LogEntry | None:
    head = _HEAD.search(line)
    if head is None:
        return None
    words = [quoted or bare for quoted, bare in _WORD.findall(line, head.end())]
    names = _OF_ISTIO if len(words) >= len(_OF_ISTIO) else _OF_ENVOY
    fields = {key: value for key, value in zip(names, words, strict=False) if key}
    fields |= {key: head[key] for key in ("method", "path", "flags")}
    return _entry(place, head["start"], head["code"], fields)


def _of_json(line: str, place: str) -> LogEntry | None:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not isinstance(body.get("start_time"), str):
        return None
    fields = {name: body[key] for key, name in _OF_JSON.items() if isinstance(body.get(key), str)}
    return _entry(place, body["start_time"], str(body.get("response_code", "")), fields)


def _entry(place: str, start: str, code: str, fields: Mapping[str, Any]) -> LogEntry | None:
    try:
        start_ns = parse_moment(start, place)
    except UsageError:
        return None
    known = {key: "" if value == "-" else value.rstrip(";") for key, value in fields.items()}
    return LogEntry(place, start_ns, int(code) if code.isascii() and code.isdigit() else 0, **known)
