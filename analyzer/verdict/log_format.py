"""Access logs of another format than the usual ones: MeshConfig's own, by what its command operators stand for.

Format strings: Envoy's "Access logging" page, "Command operators"; ``accessLogFormat`` and ``extensionProviders`` of
Istio's MeshConfig.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Node

# A command operator: its name, what is in brackets (START_TIME's has percent signs of its own), a length.
_OPERATOR = re.compile(r"%([A-Z][A-Z0-9_]*)(?:\(((?:[^()]|\([^()]*\))*)\))?(?::\d+)?%")
_FIELDS = {
    "START_TIME": "start", "RESPONSE_CODE": "code", "RESPONSE_FLAGS": "flags", "RESPONSE_CODE_DETAILS": "details",
    "UPSTREAM_HOST": "upstream_host", "UPSTREAM_CLUSTER": "cluster", "UPSTREAM_CLUSTER_RAW": "cluster",
    "UPSTREAM_LOCAL_ADDRESS": "upstream_local", "DOWNSTREAM_LOCAL_ADDRESS": "downstream_local",
    "DOWNSTREAM_REMOTE_ADDRESS": "downstream_remote", "REQUESTED_SERVER_NAME": "sni", "ROUTE_NAME": "route",
    "METHOD": "method", "PATH": "path",
}  # fmt: skip
# Of REQ(NAME) and REQ(NAME?OTHER), by either name.
_HEADERS = {
    ":method": "method", ":path": "path", "x-envoy-original-path": "path", ":authority": "authority",
    "x-request-id": "request_id",
}  # fmt: skip
# Formats of START_TIME that are a moment without further ado: ISO 8601 (the default), and seconds since the epoch.
_EPOCH = re.compile(r"%s(\.%[1-9]f)?")


class LogFormat(Fact, frozen=True):
    """How a line says what: a text's ``parts`` are by turns what stands there and the field that follows (or "").

    ``keys`` are those of JSON, each with its field.
    """

    parts: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()

    def fields_of(self, line: str) -> dict[str, str] | None:
        """The fields of a line; None where it has another format. Takes time that grows with the line alone."""
        return self._of_json(line) if self.keys else self._of_text(line.rstrip("\r\n"))

    def _of_text(self, line: str) -> dict[str, str] | None:
        at = line.find(self.parts[0])
        if at < 0:
            return None
        found: dict[str, str] = {}
        at += len(self.parts[0])
        for name, literal in zip(self.parts[1::2], self.parts[2::2], strict=True):
            end = line.find(literal, at) if literal else len(line)
            if end < 0:
                return None
            if name:
                found.setdefault(name, line[at:end])
            at = end + len(literal)
        return found

    def _of_json(self, line: str) -> dict[str, str] | None:
        try:
            body = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(body, dict) or not any(key in body for key, _ in self.keys):
            return None
        return {name: str(body[key]) for key, name in self.keys if isinstance(body.get(key), str | int)}


def log_formats(mesh_config: Node) -> tuple[LogFormat, ...]:
    """The formats that a MeshConfig gives its proxies' access logs, but for those that say neither when nor of whom."""
    formats = [*_formats_of(mesh_config.text("accessLogFormat"))]
    for provider in mesh_config.nodes("extensionProviders"):
        form = provider.node("envoyFileAccessLog").node("logFormat")
        formats += _formats_of(form.text("text"))
        formats += _of_mapping(form.mapping("labels"))
    return tuple(formats)


def _formats_of(text: str) -> Iterator[LogFormat]:
    if text.lstrip().startswith("{"):
        try:
            labels = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from _of_mapping({key: value for key, value in labels.items() if isinstance(value, str)})
        return
    parts, at = [], 0
    for operator in _OPERATOR.finditer(text):
        parts += [text[at : operator.start()], _field(operator)]
        at = operator.end()
    if parts:
        yield from _usable(LogFormat(parts=(*parts, text[at:].rstrip("\n"))))


def _of_mapping(labels: Mapping[str, str]) -> Iterator[LogFormat]:
    operators = ((key, _OPERATOR.fullmatch(value)) for key, value in sorted(labels.items()))
    keys = ((key, _field(operator)) for key, operator in operators if operator is not None)
    yield from _usable(LogFormat(keys=tuple((key, name) for key, name in keys if name)))


def _usable(form: LogFormat) -> Iterator[LogFormat]:
    """The format, where its lines can be joined to calls, and where its operators do not run into each other."""
    named = {*form.parts[1::2], *(name for _, name in form.keys)}
    apart = all(form.parts[2:-1:2])
    if "start" in named and apart and named & {"request_id", "downstream_remote", "upstream_local"}:
        yield form


def _field(operator: re.Match[str]) -> str:
    name, inside = operator[1], operator[2] or ""
    if name == "REQ":
        return next((_HEADERS[each] for each in inside.lower().split("?") if each in _HEADERS), "")
    if name == "START_TIME" and inside and not _EPOCH.fullmatch(inside):
        return "start" if inside.startswith("%Y-%m-%dT%H:%M:%S") else ""
    return _FIELDS.get(name, "")
