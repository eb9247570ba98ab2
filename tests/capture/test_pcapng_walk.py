import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.capture import pcapng_walk as walk
from analyzer.capture.records import BYTE_STEPS


def run(
    data: bytes, order: str = "little", room: int = 8, *, compile_rows: int = 1 << 60
) -> tuple[list[int], list[int]]:
    """The offsets found, and the state at the end."""
    offsets, state = np.zeros(room, np.int64), np.zeros(4, np.int64)
    arguments = (np.frombuffer(data, np.uint8), offsets, state, *BYTE_STEPS[order])
    found = run_kernel(walk.walk_blocks, room, *arguments, compile_rows=compile_rows)
    return offsets[:found].tolist(), state.tolist()


@pytest.mark.parametrize(("order", "sign"), [("little", "<"), ("big", ">")])
def test_blocks_that_matter_are_found_in_either_order(pcapng, order: str, sign: str) -> None:
    writer = pcapng(sign)
    blocks = [writer.interface(), writer.block(4, b""), writer.enhanced(b"abc"), writer.statistics(b"")]

    offsets, state = run(b"".join(blocks), order)

    assert offsets == [0, 32, 68]
    assert state == [92, walk.AT_END, 0, 0]


def test_blocks_of_unknown_type_are_counted(pcapng) -> None:
    writer = pcapng()
    known = [writer.block(kind, b"") for kind in (4, 10, 0x0BAD, 0x4000_0BAD)]

    offsets, state = run(b"".join([*known, writer.block(0x999, b"what"), writer.simple(b"x")]))

    assert offsets == [12, 64]  # secrets are read too
    assert state[3] == 1


def test_a_full_table_is_continued_where_it_stopped(pcapng) -> None:
    blocks = pcapng().simple(b"x") * 3

    offsets, state = run(blocks, room=2)

    assert offsets == [0, 20]
    assert state[:2] == [40, walk.RUNNING]


def test_a_section_header_stops_the_walk(pcapng) -> None:
    writer = pcapng()

    _, state = run(writer.simple(b"x") + writer.section())

    assert state[:2] == [20, walk.SECTION]


@pytest.mark.parametrize("length", [0, 8, 29, 0xFFFF_FFF0])
def test_a_length_that_cannot_be_stops_the_walk(length: int) -> None:
    _, state = run(b"\x06\0\0\0" + length.to_bytes(4, "little") + bytes(40))

    assert state[:3] == [0, walk.LENGTH_BAD, length]


def test_a_trailing_length_that_differs_stops_the_walk(pcapng) -> None:
    _, state = run(pcapng().simple(b"x")[:-4] + b"\x05\0\0\0")

    assert state[:3] == [0, walk.TRAILER_BAD, 5]


def test_a_cut_block_header_stops_the_walk(pcapng) -> None:
    _, state = run(pcapng().simple(b"x") + b"\x06\0\0")

    assert state[:2] == [20, walk.HEADER_CUT]


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=16),
            st.sampled_from([1, 2, 3, 5, 6, 9]).map(
                lambda kind: kind.to_bytes(4, "little") + b"\x10\0\0\0data\x10\0\0\0"
            ),
        ),
        max_size=12,
    ).map(b"".join),
    order=st.sampled_from(["little", "big"]),
)
def test_the_compiled_walk_leaves_the_same_bytes(data: bytes, order: str) -> None:
    assert run(data, order, compile_rows=0) == run(data, order)
