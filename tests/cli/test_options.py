"""What the options that commands share mean."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from analyzer.base.errors import MeshError, OutputError, UsageError
from analyzer.cli.options import (
    FORGE_NAMES,
    capture_arguments,
    interval_options,
    load,
    mesh_options,
    out_option,
    output,
    parse_also,
    parse_time,
    redact_option,
    write_also,
)

SECOND = 1_000_000_000


# Times.


def test_no_time_is_none() -> None:
    assert parse_time(None, "--since") is None


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("0", 0),
        ("1795224623", 1795224623 * SECOND),
        ("1795224623.381467001", 1795224623_381467001),
        ("-1.5", -1_500_000_000),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01 00:00:01Z", SECOND),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1970-01-01T00:00:00.25Z", 250_000_000),
        ("1970-01-01T00:00:00.123456789Z", 123_456_789),
        ("1970-01-01T00:00:00.1234567891Z", 123_456_789),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("2026-11-21T01:30:23.381467000Z", 1795224623_381467000),
    ],
)
def test_a_time_is_seconds_since_the_epoch_or_rfc_3339(text, time_ns) -> None:
    assert parse_time(text, "--since") == time_ns


@pytest.mark.parametrize("text", ["", "yesterday", "NaN", "Infinity", "1e999999", "2026-13-01T00:00:00Z", "12:00"])
def test_anything_else_is_a_matter_of_usage(text) -> None:
    with pytest.raises(UsageError, match=r"--until: found .*, expected seconds since the epoch or an RFC 3339 time"):
        parse_time(text, "--until")


# The mesh.


def test_without_paths_there_is_no_mesh() -> None:
    assert load((), None) is None


def test_the_mesh_is_read_from_all_paths(mesh) -> None:
    assert load((str(mesh),), None).pod("shop", "sleep-0") is not None


def test_mesh_settings_alone_are_a_mesh(tmp_path) -> None:
    settings = tmp_path / "mesh-config.yaml"
    settings.write_text("outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n")

    assert load((), str(settings)).config.outbound_policy == "REGISTRY_ONLY"


def test_a_path_that_does_not_exist_is_an_error(tmp_path) -> None:
    with pytest.raises(MeshError, match="gone: no such file or folder"):
        load((str(tmp_path / "gone"),), None)


# The options themselves.


def test_shared_options_have_the_same_names_everywhere() -> None:
    @click.command()
    @capture_arguments
    @mesh_options
    @interval_options
    @redact_option
    @out_option
    def command() -> None: ...

    found = {parameter.name: parameter.opts for parameter in command.params}
    assert found == {
        "captures": ["captures"],
        "mesh_paths": ["-m", "--mesh"],
        "mesh_config": ["--mesh-config"],
        "since": ["--since"],
        "until": ["--until"],
        "redact": ["--redact"],
        "out": ["--out"],
    }


# Where output goes.


def test_output_goes_to_standard_output_unless_told_otherwise(capsysbinary) -> None:
    with output(None) as sink:
        sink.write(b"\xff\x00")

    assert capsysbinary.readouterr().out == b"\xff\x00"


def test_output_goes_to_the_named_file(tmp_path, capsysbinary) -> None:
    path = tmp_path / "out.bin"

    with output(str(path)) as sink:
        sink.write(b"\xff\x00")

    assert path.read_bytes() == b"\xff\x00"
    assert capsysbinary.readouterr().out == b""


def test_a_file_that_cannot_be_written_is_a_matter_of_usage(tmp_path) -> None:
    path = tmp_path / "gone" / "out.txt"

    with pytest.raises(UsageError, match="cannot be written: No such file or directory"), output(str(path)):
        pass


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no device is always full here")
def test_a_full_disk_is_told_as_what_it_is() -> None:
    with pytest.raises(OutputError, match="/dev/full: No space left on device"), output("/dev/full") as sink:
        sink.write(b"x")


def test_a_file_has_its_name_when_it_is_whole(tmp_path) -> None:
    path = tmp_path / "run.txt"
    path.write_bytes(b"before")

    with output(str(path)) as sink:
        sink.write(b"after")
        sink.flush()
        assert path.read_bytes() == b"before"

    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_grows_has_its_name_at_once(tmp_path) -> None:
    path = tmp_path / "run.txt"

    with output(str(path), as_it_grows=True) as sink:
        sink.write(b"some")
        sink.flush()
        assert path.read_bytes() == b"some"


@pytest.mark.parametrize(("as_it_grows", "mode"), [(False, "ab"), (True, "wb")])
def test_only_a_file_that_may_have_been_there_is_emptied(tmp_path, as_it_grows, mode) -> None:
    path = tmp_path / "run.txt"
    path.write_bytes(b"before")
    (tmp_path / "run.txt.partial").write_bytes(b"left by an earlier run")

    with output(str(path), as_it_grows=as_it_grows) as sink:
        sink.write(b"after")
        assert sink.mode == mode

    assert path.read_bytes() == b"after"


def test_an_error_of_what_is_written_is_not_the_files(tmp_path) -> None:
    with pytest.raises(KeyError), output(os.fspath(tmp_path / "out")):
        raise KeyError("not ours")


def test_a_reader_that_goes_away_is_no_matter_of_usage(tmp_path) -> None:
    with pytest.raises(BrokenPipeError), output(os.fspath(tmp_path / "out")):
        raise BrokenPipeError


def test_a_filter_is_read_from_where_and_absent_means_every_call() -> None:
    from analyzer.cli.options import parse_where

    assert parse_where(None) is None
    with pytest.raises(UsageError, match="column 6"):
        parse_where("host = 1")


def test_further_reports_are_a_format_and_a_file() -> None:
    assert parse_also(("sarif=a=b.sarif", "junit=x")) == [("sarif", "a=b.sarif"), ("junit", "x")]
    for text in ("sarif", "sarif=", "papyrus=x", "=x"):
        with pytest.raises(UsageError, match="expected FORMAT=FILE"):
            parse_also((text,))


def test_the_formats_of_pipelines_are_those_that_there_are() -> None:
    from analyzer.report.forges import FORGES

    assert tuple(FORGES) == FORGE_NAMES


def test_further_reports_are_asked_for_only_where_they_are_wanted() -> None:
    write_also([], lambda: pytest.fail("asked"))


@pytest.mark.parametrize(
    "command",
    [
        *(["analyze", "-o", name] for name in ("text", "json", "jsonl", "csv", *FORGE_NAMES)),
        ["explain", "--call", "1"],
        ["graph"],
        ["timeline"],
        ["extract", "--call", "1", "--out", os.devnull],
        ["diff", "-m", "MESH"],
        ["whatif", "-m", "MESH", "--mesh-new", "MESH"],
    ],
    ids=" ".join,
)
def test_strict_redaction_hides_queries_and_unusual_words(cli, secret_capture, mesh, command):
    name, *options = [str(mesh) if each == "MESH" else each for each in command]
    captures = [secret_capture] * (2 if name == "diff" else 1)

    answer = cli(name, *captures, *options, "--redact", "strict")

    assert answer.code == 0
    assert "access_token" not in answer.out
