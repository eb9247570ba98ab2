"""Files of invented calls, as ``meshverdict route --calls`` takes them: JSON Lines, or a YAML list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.base.oddity import Oddity
from analyzer.mesh.source import YamlList, read_documents
from analyzer.verdict.question import Question

DIRECTIONS = ("outbound", "inbound", "gateway")
PROTOCOLS = ("http", "http/1.0", "http2", "tcp")
TLS_KINDS = ("plaintext", "tls", "mtls")


class NamedQuestion(Fact, frozen=True):
    """A question with the name under which its answer is found again."""

    name: str
    question: Question


def parse_calls(data: bytes, *, file: str) -> list[NamedQuestion]:
    """The calls of a file. Raises ``UsageError`` with ``file:line`` for the first line that is no call."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: byte {error.start} is not UTF-8") from None
    lines = _json_lines(text, file) if text.lstrip().startswith("{") else _yaml_items(text, file)
    return [parse_call(call, where=where) for where, call in lines]


def _json_lines(text: str, file: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"{file}:{number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{file}:{number}: no JSON: {getattr(error, 'msg', 'nested too deeply')}") from None


def _yaml_items(text: str, file: str) -> Iterator[tuple[str, Any]]:
    oddities: list[Oddity] = []
    for document in read_documents(text, file, oddities):
        if not isinstance(document, YamlList):
            raise UsageError(f"{file}: found no list of calls and no JSON Lines")
        for item, (line, _) in zip(document, document.places, strict=True):
            yield f"{file}:{line}", item
    if oddities:
        raise UsageError(str(oddities[0]))


def parse_call(call: Any, *, where: str) -> NamedQuestion:
    """One call; ``where`` begins the message of the ``UsageError`` that a wrong field raises."""
    if not isinstance(call, Mapping):
        raise UsageError(f"{where}: found {type(call).__name__}, expected a mapping with the fields of a call")
    namespace, slash, pod = _text(call, "source", where, required=True).partition("/")
    headers = _mapping(call, "headers", where)
    question = Question(
        namespace=namespace,
        pod=pod if slash else None,
        labels=_mapping(call, "labels", where) if "labels" in call else None,
        direction=_one_of(call, "direction", DIRECTIONS, where),
        address=_address(call, where),
        port=_port(call, where),
        protocol=_one_of(call, "protocol", PROTOCOLS, where),
        tls=_one_of(call, "tls", TLS_KINDS, where),
        sni=_text(call, "sni", where) or None,
        alpn=_texts(call, "alpn", where),
        method=_text(call, "method", where) or "GET",
        headers=tuple((name.lower(), value) for name, value in headers.items()),
    )
    question = question.for_target(_text(call, "host", where) or None, _text(call, "path", where) or "/")
    return NamedQuestion(_text(call, "name", where), question)


def _wrong(where: str, field: str, found: object, expected: str) -> UsageError:
    return UsageError(f"{where}: {field}: found {found!r}, expected {expected}")


def _text(call: Mapping[str, Any], field: str, where: str, *, required: bool = False) -> str:
    value = call.get(field)
    if value is None and not required:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or (required and not value):
        raise _wrong(where, field, value, "text")
    return value


def _texts(call: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    value = call.get(field) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(where, field, value, "a list of texts")
    return tuple(value)


def _mapping(call: Mapping[str, Any], field: str, where: str) -> dict[str, str]:
    value = call.get(field) or {}
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for pair in value.items() for item in pair):
        raise _wrong(where, field, value, "a mapping of texts")
    return dict(value)


def _one_of(call: Mapping[str, Any], field: str, choices: tuple[str, ...], where: str) -> str:
    value = call.get(field) or choices[0]
    if value not in choices:
        raise _wrong(where, field, value, f"one of {', '.join(choices)}")
    return str(value)


def _address(call: Mapping[str, Any], where: str) -> str:
    value = _text(call, "address", where, required=True)
    try:
        return str(ip_address(value))
    except ValueError:
        raise _wrong(where, "address", value, "an IP address") from None


def _port(call: Mapping[str, Any], where: str) -> int:
    value = call.get("port")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise _wrong(where, "port", value, "a number from 1 to 65535")
    return value
