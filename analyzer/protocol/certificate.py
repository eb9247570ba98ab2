"""The names in an X.509 certificate (RFC 5280 section 4.2.1.6): as much of DER as that takes."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.protocol.cursor import Cursor, MalformedError

# id-ce-subjectAltName, 2.5.29.17.
_SUBJECT_ALT_NAME = bytes((0x55, 0x1D, 0x11))
_SEQUENCE, _OBJECT_ID, _OCTET_STRING = 0x30, 0x06, 0x04
_EXTENSIONS, _DNS_NAME, _URI = 0xA3, 0x82, 0x86
# A certificate with more names is cut here.
MAX_NAMES = 64


def subject_alt_names(certificate: bytes) -> tuple[str, ...]:
    """The DNS and URI names of a DER certificate in order; none where it cannot be read."""
    try:
        return tuple(_names(certificate))[:MAX_NAMES]
    except MalformedError:
        return ()


def _names(certificate: bytes) -> Iterator[str]:
    to_be_signed = _inside(_inside(certificate, _SEQUENCE), _SEQUENCE)
    for tag, wrapped in _elements(to_be_signed):
        if tag != _EXTENSIONS:
            continue
        for _, extension in _elements(_inside(wrapped, _SEQUENCE)):
            parts = list(_elements(extension))
            if parts and parts[0] == (_OBJECT_ID, _SUBJECT_ALT_NAME) and parts[-1][0] == _OCTET_STRING:
                for kind, name in _elements(_inside(parts[-1][1], _SEQUENCE)):
                    if kind in (_DNS_NAME, _URI):
                        yield name.decode("latin-1")


def _inside(data: bytes, tag: int) -> bytes:
    """The content of the first element, which must have ``tag``."""
    for found, content in _elements(data):
        if found == tag:
            return content
        break
    raise MalformedError


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element; definite lengths of at most four bytes, as DER has them here."""
    cursor = Cursor(data)
    while cursor:
        tag = cursor.integer(1)
        length = cursor.integer(1)
        if length > 0x84 or length == 0x80:
            raise MalformedError
        if length > 0x80:
            length = cursor.integer(length & 0x7F)
        yield tag, cursor.take(length)
