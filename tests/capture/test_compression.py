import bz2
import gzip
import lzma
import mmap
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import compression as module
from analyzer.capture.compression import COMPRESSIONS, compression_of, squeezed, unsqueezed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESS = {"gzip": gzip.compress, "zstd": zstd.compress, "xz": lzma.compress, "bzip2": bz2.compress}
NAMES = sorted(COMPRESS)
DATA = bytes(range(256)) * 40


def expand(data: bytes, **limits: int):
    compression = compression_of(memoryview(data))
    assert compression is not None
    return compression.expand(memoryview(data), **limits)


def test_every_compression_is_tested() -> None:
    assert sorted(compression.name for compression in COMPRESSIONS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_compression_is_known_by_its_first_bytes(name: str) -> None:
    assert compression_of(memoryview(COMPRESS[name](b""))).name == name


def test_plain_bytes_are_of_no_compression() -> None:
    assert compression_of(memoryview(b"\xd4\xc3\xb2\xa1")) is None


@pytest.mark.parametrize("name", NAMES)
def test_what_was_compressed_comes_out(name: str) -> None:
    expanded = expand(COMPRESS[name](DATA))

    assert (bytes(expanded.data), expanded.problem) == (DATA, None)


@pytest.mark.parametrize("name", NAMES)
def test_members_are_read_one_after_another(name: str) -> None:
    expanded = expand(COMPRESS[name](b"one") + COMPRESS[name](b"") + COMPRESS[name](b"two"))

    assert (bytes(expanded.data), expanded.problem) == (b"onetwo", None)


@pytest.mark.parametrize("name", NAMES)
def test_cut_data_gives_what_was_before_the_cut(name: str) -> None:
    expanded = expand(COMPRESS[name](b"one") + COMPRESS[name](DATA)[:-5])

    assert expanded.data[:3] == b"one"
    assert expanded.problem == f"{name} data ends in the middle"


@pytest.mark.parametrize("name", NAMES)
def test_damaged_data_gives_what_was_before_the_damage(name: str) -> None:
    damaged = bytearray(COMPRESS[name](DATA))
    damaged[len(damaged) // 2 :] = b"\xff" * (len(damaged) - len(damaged) // 2)

    expanded = expand(COMPRESS[name](b"one") + bytes(damaged))

    assert expanded.data[:3] == b"one"
    assert expanded.problem is not None


@pytest.mark.parametrize("name", NAMES)
def test_no_more_than_the_ceiling_comes_out(name: str) -> None:
    expanded = expand(COMPRESS[name](bytes(5_000_000)), max_expanded=1_000_000)

    assert len(expanded.data) == expanded.limit == 1_000_000
    assert expanded.problem == f"{name} data expands to more than 1000000 bytes, the limit"


@pytest.mark.parametrize("name", NAMES)
def test_a_bomb_is_held_to_a_ratio(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREE_BYTES", 1000)
    bomb = COMPRESS[name](bytes(3_000_000))

    assert expand(bomb).limit == max(len(bomb) * module.MAX_RATIO, 1000)


@pytest.mark.parametrize("ceiling", [len(DATA), len(DATA) - 1])
def test_what_is_large_comes_out_in_a_file(ceiling: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.base.spool.IN_MEMORY_LEN", 1000)

    expanded = expand(gzip.compress(DATA), max_expanded=ceiling)

    assert bytes(expanded.data) == DATA[:ceiling]
    assert isinstance(expanded.data.obj, mmap.mmap)


def test_where_there_is_no_room_for_it_what_came_out_before_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.base.spool.IN_MEMORY_LEN", len(DATA))
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")

    expanded = expand(gzip.compress(DATA) + gzip.compress(DATA))

    assert expanded.problem is not None
    assert expanded.problem.startswith("temporary files: ")
    assert bytes(expanded.data) == DATA


def test_zeros_behind_the_data_are_padding() -> None:
    assert expand(gzip.compress(b"one") + bytes(512)).problem is None


def test_other_bytes_behind_the_data_are_a_problem() -> None:
    expanded = expand(gzip.compress(b"one") + b"junk")

    assert bytes(expanded.data) == b"one"
    assert expanded.problem == "the 4 bytes after the gzip data are something else"


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(NAMES), noise=st.binary(max_size=200), cut=st.integers(0, 60))
def test_no_bytes_make_it_raise(name: str, noise: bytes, cut: int) -> None:
    expand(COMPRESS[name](DATA)[:10] + noise)
    expand(COMPRESS[name](DATA)[: 10 + cut] + noise)


@pytest.mark.parametrize("data", [b"", b"a", DATA, memoryview(DATA)], ids=["none", "one", "many", "view"])
def test_what_was_squeezed_is_as_it_was(data) -> None:
    assert unsqueezed(squeezed(data)) == data
    assert len(squeezed(DATA)) < len(DATA) / 10
