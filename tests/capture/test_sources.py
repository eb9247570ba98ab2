import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.base.errors import CaptureError
from analyzer.capture.sources import CaptureSource, find_captures, printable

MAGIC = b"\xd4\xc3\xb2\xa1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Captures and other files, two folders deep."""
    for name in ("shop_sleep-0.any.pcap", "b/frontend-0.pcapng.gz", "a/b/x.pcap1", "a/mesh.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a" / "trace").write_bytes(MAGIC)
    return tmp_path


def names(*arguments: object) -> list[str]:
    return [source.name for source in find_captures([str(argument) for argument in arguments])]


def test_a_file_is_itself_whatever_its_name(folder: Path) -> None:
    path = folder / "a" / "mesh.yaml"

    assert find_captures([str(path)]) == [CaptureSource("mesh.yaml", path, None, None)]


def test_a_folder_is_searched_for_names_and_first_bytes_of_captures(folder: Path) -> None:
    assert names(folder) == ["x.pcap1", "trace", "frontend-0.pcapng.gz", "shop_sleep-0.any.pcap"]


def test_a_glob_is_expanded_in_order(folder: Path) -> None:
    assert names(folder / "*" / "*.pcap*", folder / "*.pcap") == ["frontend-0.pcapng.gz", "shop_sleep-0.any.pcap"]
    assert names(folder / "**" / "*.pcap?") == ["x.pcap1"]


def test_a_glob_may_match_folders(folder: Path) -> None:
    assert names(folder / "[ab]") == ["x.pcap1", "trace", "frontend-0.pcapng.gz"]


def test_a_name_with_brackets_is_a_file_before_it_is_a_glob(tmp_path: Path) -> None:
    (tmp_path / "x[1].pcap").write_bytes(MAGIC)

    assert names(tmp_path / "x[1].pcap") == ["x[1].pcap"]


def test_standard_input_has_no_path() -> None:
    assert find_captures(["-"]) == [CaptureSource("stdin", None)]


def test_a_file_that_is_named_twice_is_one_capture(folder: Path) -> None:
    file = folder / "a" / "b" / "x.pcap1"

    assert names(file, file.parent, folder / "b" / ".." / "a" / "b" / "x.pcap1", "-", "-") == ["x.pcap1", "stdin"]


def test_names_are_as_long_as_it_takes_to_be_unique(tmp_path: Path) -> None:
    for name in ("one/pods/x.pcap", "two/pods/x.pcap", "two/pods/y.pcap"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(MAGIC)

    assert names(tmp_path) == ["one/pods/x.pcap", "two/pods/x.pcap", "y.pcap"]


def test_a_file_called_like_standard_input_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "stdin").write_bytes(MAGIC)

    assert names("-", tmp_path / "stdin") == ["stdin", f"{tmp_path.name}/stdin"]


def test_names_that_escaping_makes_equal_are_numbered(tmp_path: Path) -> None:
    for name in ("a\nb.pcap", "a\\nb.pcap"):
        (tmp_path / name).write_bytes(MAGIC)

    found = names(tmp_path)

    assert len(set(found)) == 2
    assert all("\n" not in name and not name.startswith("/") for name in found)


@pytest.mark.parametrize(
    ("file", "pod", "leg"),
    [
        ("shop_sleep-0.any.pcap", ("shop", "sleep-0"), "any"),
        ("shop_sleep-0.eth0.pcap", ("shop", "sleep-0"), "eth0"),
        ("shop_sleep-0_lo.pcapng.zst", ("shop", "sleep-0"), "lo"),
        ("sleep-0.pcap", (None, "sleep-0"), None),
        ("sleep-0-any.pcap.3", (None, "sleep-0"), "any"),
        ("istio-system_edge-7d9c5.x.pcap", ("istio-system", "edge-7d9c5.x"), None),
        ("A11a.pcap", None, None),
        ("a_b_c.pcap", None, None),
        ("-.pcap", None, None),
    ],
)
def test_hints_are_read_off_the_name(
    tmp_path: Path, file: str, pod: tuple[str | None, str] | None, leg: str | None
) -> None:
    (tmp_path / file).write_bytes(MAGIC)

    [source] = find_captures([str(tmp_path / file)])

    assert (source.pod_hint, source.leg_hint) == (pod, leg)


@pytest.mark.parametrize("argument", ["missing.pcap", "*.none"])
def test_what_names_nothing_is_an_error(tmp_path: Path, argument: str) -> None:
    with pytest.raises(CaptureError, match="no such file; expected a capture, a folder, a glob or -"):
        find_captures([str(tmp_path / argument)])


def test_a_name_that_moves_the_cursor_is_shown_escaped(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"a\\nb\\x1b\[2J\.pcap: no such file") as caught:
        find_captures([str(tmp_path / "a\nb\x1b[2J.pcap")])

    assert "\n" not in str(caught.value)


def test_a_folder_without_captures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mesh.yaml").write_bytes(b"")

    with pytest.raises(CaptureError, match="no capture in this folder"):
        find_captures([str(tmp_path)])


def test_a_folder_is_searched_past_what_cannot_be_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "gone").symlink_to(folder / "nowhere")
    (folder / "locked").write_bytes(MAGIC)
    (folder / "locked").chmod(0)

    assert "shop_sleep-0.any.pcap" in names(folder)


@given(st.text())
def test_what_is_printable_is_one_line(text: str) -> None:
    assert printable(text).isprintable()
