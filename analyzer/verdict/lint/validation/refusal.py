"""Why an object is refused, and the checks that several kinds share (pkg/config/validation, pkg/config/labels)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import is_ip
from analyzer.mesh.regex import compile_pattern
from analyzer.mesh.resource import Node

MAX_LABEL = 63
MAX_DOMAIN = 255
# Istio approximates RE2's program size by the pattern's length.
MAX_REGEX = 1024

_LABEL = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_FIRST_LABEL = re.compile(r"\*|(?:\*-?)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_LAST_PORT = 65535


class Refusal(Fact, frozen=True):
    """What is wrong, in a few words, and where."""

    what: str
    place: YamlPlace


def is_label(text: str) -> bool:
    """Whether a text is a DNS label (RFC 1123)."""
    return len(text) <= MAX_LABEL and _LABEL.fullmatch(text) is not None


def is_domain(host: str) -> bool:
    """Whether a text is a domain whose first label may be or begin with ``*`` (ValidateWildcardDomain)."""
    if not 0 < len(host) <= MAX_DOMAIN:
        return False
    first, dot, rest = host.partition(".")
    if len(first) > MAX_LABEL or not _FIRST_LABEL.fullmatch(first):
        return False
    return not dot or _are_labels(rest)


def is_full_name(host: str) -> bool:
    """Whether a text is a domain without any wildcard (ValidateFQDN)."""
    return 0 < len(host) <= MAX_DOMAIN and _are_labels(host)


def _are_labels(text: str) -> bool:
    labels = text.split(".")
    if labels[-1].isascii() and labels[-1].isdigit():
        return False
    if labels[-1] == "":
        labels.pop()
    return bool(labels) and all(is_label(each) for each in labels)


def is_port(number: int) -> bool:
    """Whether a number is a port."""
    return 1 <= number <= _LAST_PORT


def is_subnet(text: str) -> bool:
    """Whether a text is an address or a CIDR block."""
    try:
        ip_network(text, strict=False) if "/" in text else ip_address(text)
    except ValueError:
        return False
    return True


def check_host(node: Node, *path: str | int, host: str) -> Iterator[Refusal]:
    """A host that is neither a domain nor an address."""
    if not is_domain(host) and not is_ip(host):
        what = f"host {host!r} is no domain name" if host else "a host is missing"
        yield Refusal(what, node.place(*path))


def check_port(node: Node, key: str, *, required: bool = True) -> Iterator[Refusal]:
    """A port number out of range, or not there."""
    number = node.integer(key)
    if not is_port(number) and (required or number):
        what = f"port {number} is not in 1..65535" if key in node else "a port number is missing"
        yield Refusal(what, node.place(key))


def check_regex(pattern: str, place: YamlPlace) -> Iterator[Refusal]:
    """A pattern that is empty, too long, or none that RE2 takes."""
    if not pattern:
        yield Refusal("a regex is empty", place)
    elif len(pattern) > MAX_REGEX:
        yield Refusal(f"a regex is longer than {MAX_REGEX} characters", place)
    elif compile_pattern(pattern) is None:
        yield Refusal(f"regex {pattern!r} is none that RE2 can read", place)


def check_export_to(spec: Node, namespace: str, *, nobody: bool = False) -> Iterator[Refusal]:
    """Entries of exportTo that repeat or exclude each other, or are no namespace; ``~`` only where ``nobody`` may."""
    seen: set[str] = set()
    entries = spec.texts("exportTo")
    for index, entry in enumerate(entries):
        place = spec.place("exportTo", index)
        meant = namespace if entry == "." else entry
        if meant in seen:
            yield Refusal(f"exportTo names {entry} twice", place)
        elif meant == "~" and not nobody:
            yield Refusal("exportTo ~ is only for ServiceEntries", place)
        elif meant not in ("*", "~") and not is_label(meant):
            yield Refusal(f"exportTo {entry!r} is no namespace", place)
        seen.add(meant)
    if len(entries) > 1 and seen & {"*", "~"}:
        yield Refusal("exportTo * or ~ stands beside other entries", spec.place("exportTo"))
