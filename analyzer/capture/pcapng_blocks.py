"""The pcapng blocks that describe rather than bring packets: interfaces and their statistics."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.fact import Fact
from analyzer.capture.capture import Interface
from analyzer.capture.records import Order

# Options of an interface description block (draft-ietf-opsawg-pcapng section 4.2).
IF_NAME, IF_DESCRIPTION, IF_TSRESOL, IF_TSOFFSET = 2, 3, 9, 14
# Options of an interface statistics block (section 4.6).
ISB_IFRECV, ISB_IFDROP, ISB_OSDROP = 4, 5, 7

# Decryption secrets of type TLS key log (section 4.7).
TLS_KEY_LOG = 0x544C534B
# Time stamps count microseconds unless the interface says otherwise.
MICROSECONDS = 6
# What is kept of a name or description.
MAX_TEXT = 256
# No link layer has this number: an interface description that is too short to name one.
NO_LINK = 0xFFFF


class InterfaceBlock(Fact, frozen=True):
    """An interface and how it counts time: ``resolution`` is the byte of if_tsresol, ``offset_s`` if_tsoffset."""

    interface: Interface
    resolution: int
    offset_s: int


class StatisticsBlock(Fact, frozen=True):
    """What an interface says of the packets that it received and lost, None where it does not."""

    interface: int
    received: int | None
    dropped: int | None


def read_interface(block: memoryview, order: Order) -> InterfaceBlock:
    """The interface that ``block`` (all of it, with its lengths) describes; options that overrun it are ignored."""
    if len(block) < 20:
        return InterfaceBlock(Interface("", "", NO_LINK, 0), MICROSECONDS, 0)
    options = dict(_options(block[16:-4], order))
    resolution = options.get(IF_TSRESOL, b"")
    offset = options.get(IF_TSOFFSET, b"")
    return InterfaceBlock(
        Interface(
            name=_text(options.get(IF_NAME, b"")),
            description=_text(options.get(IF_DESCRIPTION, b"")),
            link=int.from_bytes(block[8:10], order),
            snaplen=int.from_bytes(block[12:16], order),
        ),
        resolution=resolution[0] if resolution else MICROSECONDS,
        offset_s=int.from_bytes(offset, order, signed=True) if len(offset) == 8 else 0,
    )


def read_statistics(block: memoryview, order: Order) -> StatisticsBlock | None:
    """The statistics in ``block``; None where it is too short.

    Drops of the interface and of the operating system are added up.
    """
    if len(block) < 24:
        return None
    options = {code: value for code, value in _options(block[20:-4], order) if len(value) == 8}
    counts = {code: int.from_bytes(value, order) for code, value in options.items()}
    drops = [counts[code] for code in (ISB_IFDROP, ISB_OSDROP) if code in counts]
    return StatisticsBlock(
        interface=int.from_bytes(block[8:12], order),
        received=counts.get(ISB_IFRECV),
        dropped=sum(drops) if drops else None,
    )


def _options(raw: memoryview, order: Order) -> Iterator[tuple[int, bytes]]:
    """The options in ``raw`` up to the end mark, or up to one that claims more than there is."""
    at = 0
    while at + 4 <= len(raw):
        code, length = (int.from_bytes(raw[i : i + 2], order) for i in (at, at + 2))
        if code == 0 or at + 4 + length > len(raw):
            return
        yield code, bytes(raw[at + 4 : at + 4 + length])
        at += 4 + (length + 3 & ~3)


def _text(raw: bytes) -> str:
    return raw[:MAX_TEXT].rstrip(b"\0").decode("utf-8", "replace")


def read_secrets(raw: memoryview, order: Order) -> bytes:
    """The TLS key log of a decryption secrets block (section 4.7); empty where it holds other secrets, or is cut."""
    kind, size = (int.from_bytes(raw[at : at + 4], order) for at in (8, 12))
    return bytes(raw[16 : 16 + size]) if kind == TLS_KEY_LOG and 16 + size <= len(raw) - 4 else b""
