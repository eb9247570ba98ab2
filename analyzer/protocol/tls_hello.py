"""ClientHello and ServerHello (RFC 8446 section 4.1, RFC 6066, RFC 7301), read as BoringSSL in Envoy reads them."""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.protocol.cursor import Cursor, MalformedError
from analyzer.protocol.notes import Notes

BAD_CLIENT_HELLO = Code(
    "tls-bad-client-hello",
    Family.PROTOCOL,
    Level.WARNING,
    "a ClientHello contradicts its own lengths",
    "Envoy's TLS inspector cannot read it and takes the connection for one without TLS.",
)
BAD_SNI = Code(
    "tls-bad-sni",
    Family.PROTOCOL,
    Level.WARNING,
    "the server name of a ClientHello is malformed",
    "The list is empty, cut, holds several names or another name type, or its name is empty, longer than 255 bytes "
    "or holds a NUL byte. BoringSSL refuses such a hello, so Envoy's TLS inspector sees no TLS.",
)
SEVERAL_SNI = Code(
    "tls-several-sni",
    Family.PROTOCOL,
    Level.WARNING,
    "a ClientHello has several server names",
    "Several extensions of one type (RFC 8446 section 4.2) or names of one type (RFC 6066 section 3) are forbidden: "
    "Envoy's TLS inspector takes such a hello for no TLS. The first name is shown.",
)
SUSPICIOUS_SNI = Code(
    "tls-suspicious-sni",
    Family.PROTOCOL,
    Level.WARNING,
    "the server name holds characters that no host name has",
    "A name with control characters, blanks or markup is no host: someone is probing whoever reads it.",
)
ENCRYPTED_CLIENT_HELLO = Code(
    "tls-encrypted-client-hello",
    Family.PROTOCOL,
    Level.INFO,
    "the server name is an outer name",
    "The ClientHello carries encrypted_client_hello (RFC 9849): the true name may be inside. Clients also send the "
    "extension without meaning it (GREASE), which looks the same.",
)

# Types of extensions.
SERVER_NAME, ALPN, PRE_SHARED_KEY, SUPPORTED_VERSIONS, ECH = 0, 16, 41, 43, 0xFE0D
HOST_NAME = 0
MAX_HOST_NAME_LEN = 255
_RANDOM_LEN = 32
ECH_OUTER = 0
# What the name of a host may have.
HOST = re.compile(r"[A-Za-z0-9._\-:\[\]*~]*")


class Hello(NamedTuple):
    """What a ClientHello says; not ``sound``: BoringSSL would refuse it before Envoy's inspector learns anything."""

    sni: str | None = None
    alpn: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    ech: bool = False
    sound: bool = True


class ServerHello(NamedTuple):
    """The version that the server chose, and its ALPN where the hello shows it (TLS 1.2).

    ``resumed``: it goes on with an earlier session by its key (TLS 1.3), so that nobody shows a certificate again.
    """

    version: int
    alpn: str | None
    resumed: bool = False


def parse_client_hello(body: bytes, notes: Notes, *, offset: int) -> Hello:
    """What the message body of a ClientHello says; as much as can be read of a malformed one."""
    cursor = Cursor(body)
    try:
        version = _skip_to_extensions(cursor)
        extensions = Cursor(cursor.vector(2) if cursor else b"")
    except MalformedError:
        notes.odd(BAD_CLIENT_HELLO, from_client=True, offset=offset)
        return Hello(sound=False)
    hello, whole = _read_extensions(extensions, Hello(versions=(version,)), notes, offset)
    sound = whole and not cursor
    if not sound:
        notes.odd(BAD_CLIENT_HELLO, from_client=True, offset=offset)
    return hello._replace(sound=sound and hello.sound)


def parse_cut_client_hello(body: bytes, notes: Notes, *, offset: int) -> Hello | None:
    """What the beginning of a ClientHello says whose rest is lost; None unless name and protocols stand in it."""
    cursor = Cursor(body)
    try:
        version = _skip_to_extensions(cursor)
        cursor.take(2)
    except MalformedError:
        return None
    hello, _ = _read_extensions(cursor, Hello(versions=(version,)), notes, offset)
    return hello if hello.sni and hello.alpn else None


def _skip_to_extensions(cursor: Cursor) -> int:
    """Step over random, session, cipher suites and compression methods; gives the legacy version before them."""
    version = cursor.integer(2)
    cursor.take(_RANDOM_LEN)
    cursor.vector(1)
    cursor.vector(2)
    cursor.vector(1)
    return version


def _read_extensions(items: Cursor, hello: Hello, notes: Notes, offset: int) -> tuple[Hello, bool]:
    """The hello with what its extensions say, of each kind the first; and whether they could be read to the end."""
    seen: set[int] = set()
    try:
        while items:
            kind, data = items.integer(2), items.vector(2)
            if kind not in seen:
                hello = _with_extension(hello, kind, data, notes, offset)
            else:
                # RFC 8446 section 4.2: BoringSSL, by which Envoy's inspector reads, refuses a hello with repetitions.
                hello = hello._replace(sound=False)
                if kind == SERVER_NAME:
                    notes.odd(SEVERAL_SNI, from_client=True, offset=offset)
            seen.add(kind)
    except MalformedError:
        return hello, False
    return hello, True


def _with_extension(hello: Hello, kind: int, data: bytes, notes: Notes, offset: int) -> Hello:
    if kind == SERVER_NAME:
        name, alone = _server_name(data)
        if name is None or not alone:
            notes.odd(BAD_SNI if name is None else SEVERAL_SNI, from_client=True, offset=offset)
            return hello._replace(sni=name, sound=False)
        if HOST.fullmatch(name) is None or len(name) > MAX_HOST_NAME_LEN:
            notes.odd(SUSPICIOUS_SNI, from_client=True, offset=offset)
        return hello._replace(sni=name, sound=hello.sound and "\0" not in name and len(name) <= MAX_HOST_NAME_LEN)
    if kind == ALPN:
        return hello._replace(alpn=_protocols(data))
    if kind == SUPPORTED_VERSIONS:
        offered = Cursor(Cursor(data).vector(1))
        versions = []
        while offered:
            versions.append(offered.integer(2))
        return hello._replace(versions=tuple(v for v in versions if not _is_grease(v)))
    if kind == ECH and data[:1] == bytes((ECH_OUTER,)):
        notes.odd(ENCRYPTED_CLIENT_HELLO, from_client=True, offset=offset)
        return hello._replace(ech=True)
    return hello


def _server_name(data: bytes) -> tuple[str | None, bool]:
    """The first host name of a server_name extension (RFC 6066 section 3), and whether it is the only one.

    None where it is malformed. Several names of one type are forbidden, and BoringSSL takes no second name at all.
    """
    try:
        outer = Cursor(data)
        names = Cursor(outer.vector(2))
        kind, name = names.integer(1), names.vector(2)
        alone = not names
        while names:
            names.take(1)
            names.vector(2)
    except MalformedError:
        return None, False
    if outer or kind != HOST_NAME or not name:
        return None, False
    return name.decode("latin-1"), alone


def _protocols(data: bytes) -> tuple[str, ...]:
    """The names of an ALPN extension (RFC 7301 section 3.1) without GREASE (RFC 8701)."""
    names = Cursor(Cursor(data).vector(2))
    found = []
    while names:
        name = names.vector(1)
        if len(name) != 2 or not _is_grease(int.from_bytes(name, "big")):
            found.append(name.decode("latin-1"))
    return tuple(found)


def _is_grease(value: int) -> bool:
    """RFC 8701 section 2: 0x0a0a, 0x1a1a, … 0xfafa."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def parse_server_hello(body: bytes) -> ServerHello | None:
    """What a ServerHello chose, None where it cannot be read."""
    cursor = Cursor(body)
    try:
        version = cursor.integer(2)
        cursor.take(_RANDOM_LEN)
        cursor.vector(1)
        cursor.take(3)  # cipher suite and compression method
        alpn: tuple[str, ...] = ()
        resumed = False
        items = Cursor(cursor.vector(2) if cursor else b"")
        while items:
            kind, data = items.integer(2), items.vector(2)
            if kind == SUPPORTED_VERSIONS:
                version = Cursor(data).integer(2)
            elif kind == ALPN:
                alpn = _protocols(data)
            resumed |= kind == PRE_SHARED_KEY
    except MalformedError:
        return None
    return ServerHello(version, alpn[0] if alpn else None, resumed)
