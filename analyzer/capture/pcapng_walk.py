"""Where the blocks of a pcapng section lie: the walk over the file, as a kernel."""

from __future__ import annotations

from analyzer.base.table import I64, U8

# Block types (draft-ietf-opsawg-pcapng section 11.1).
SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OLD_PACKET = 2
SIMPLE_PACKET = 3
NAME_RESOLUTION = 4
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10
CUSTOM, CUSTOM_NOT_COPIED = 0x0BAD, 0x4000_0BAD

# How a walk over blocks may stop.
RUNNING, AT_END, HEADER_CUT, LENGTH_BAD, TRAILER_BAD, SECTION = range(6)

# The least that a block is: type, length, and length again.
BLOCK_OVERHEAD = 12


def walk_blocks(data: U8, offsets: I64, state: I64, low: int, step: int) -> int:
    """Kernel: where the blocks begin that bring packets, interfaces, statistics or secrets; others are stepped over.

    ``low`` and ``step`` give the order of bytes (0, 1 little; 3, -1 big-endian). ``state`` is (where to begin, how it
    stopped, the offending length, how many blocks of unknown type were stepped over).
    """
    size = len(data)
    at = state[0]
    room = len(offsets)
    found = 0
    unknown = 0
    status = RUNNING
    while found < room:
        if at + BLOCK_OVERHEAD > size:
            status = AT_END if at == size else HEADER_CUT
            break
        field = at + low
        kind = data[field] | data[field + step] << 8 | data[field + 2 * step] << 16 | data[field + 3 * step] << 24
        if kind == SECTION_HEADER:
            status = SECTION
            break
        field += 4
        length = data[field] | data[field + step] << 8 | data[field + 2 * step] << 16 | data[field + 3 * step] << 24
        if length < BLOCK_OVERHEAD or length & 3 or length > size - at:
            status = LENGTH_BAD
            state[2] = length
            break
        field = at + length - 4 + low
        trailer = data[field] | data[field + step] << 8 | data[field + 2 * step] << 16 | data[field + 3 * step] << 24
        if trailer != length:
            status = TRAILER_BAD
            state[2] = trailer
            break
        if (
            kind in (ENHANCED_PACKET, SIMPLE_PACKET, OLD_PACKET, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS)
            or kind == DECRYPTION_SECRETS
        ):
            offsets[found] = at
            found += 1
        elif kind not in (NAME_RESOLUTION, CUSTOM, CUSTOM_NOT_COPIED):
            unknown += 1
        at += length
    state[0] = at
    state[1] = status
    state[3] += unknown
    return found
