"""Few bytes stay in memory, many do not; they are the same."""

import mmap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base import spool as module
from analyzer.base.errors import OutputError
from analyzer.base.scratch import Scratch
from analyzer.base.spool import Spool


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY_LEN", 10)
    monkeypatch.setattr(module, "_BLOCK_LEN", 4)


def spooled(pieces: list[bytes]) -> Spool:
    spool = Spool()
    for piece in pieces:
        spool.add(piece)
    spool.close()
    return spool


@settings(max_examples=100)
@given(pieces=st.lists(st.binary(max_size=15)))
def test_all_bytes_come_in_their_order(pieces: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "IN_MEMORY_LEN", 10)
        patch.setattr(module, "_BLOCK_LEN", 4)
        spool = spooled(pieces)

        assert bytes(spool.whole()) == b"".join(pieces)
        assert len(spool) == len(b"".join(pieces))


@pytest.mark.usefixtures("small")
def test_few_bytes_are_in_memory() -> None:
    assert isinstance(spooled([b"12345", b"67890"]).whole().obj, bytearray)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("pieces", [[b"12345", b"67890", b"1"], [b"1" * 11]])
def test_many_bytes_are_in_a_file(pieces: list[bytes]) -> None:
    assert isinstance(spooled(pieces).whole().obj, mmap.mmap)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("before", [b"12345", b"1234567890a", b"1234567890abc"])
def test_where_there_is_no_room_what_came_before_is_there(
    tmp_path, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    spool = spooled([before])

    def refuse(*_: object) -> None:
        raise OutputError("temporary files: no room")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    monkeypatch.setattr(Scratch, "write", refuse)

    with pytest.raises(OutputError, match="temporary files"):
        spool.add(b"1" * 11)
    assert bytes(spool.whole()) == before
