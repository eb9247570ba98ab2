"""``meshverdict analyze``: captures and mesh in, verdicts out."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.base.oddity import Family
from analyzer.pipeline import all_codes

ROOT = Path(__file__).resolve().parents[2]

VERDICTS = {"service-matched", "headless-matched", "passthrough", "dropped", None}


# Formats.


def test_json_lines_say_first_of_which_kind_they_are(cli, naked, mesh) -> None:
    answer = cli("analyze", naked, "-m", mesh, "-o", "jsonl")

    assert (answer.code, answer.err) == (0, "")
    assert {next(iter(record)) for record in answer.records} == {"kind"}
    assert {call["verdict"] for call in answer.of("call")} <= VERDICTS


def test_json_is_the_same_run_as_one_object(cli, naked, mesh) -> None:
    lines = cli("analyze", naked, "-m", mesh, "-o", "jsonl")
    whole = json.loads(cli("analyze", naked, "-m", mesh, "-o", "json").out)

    assert [{"kind": "call", **call} for call in whole["calls"]] == lines.of("call")


def test_csv_has_a_row_for_every_call(cli, naked, mesh) -> None:
    calls = cli("analyze", naked, "-m", mesh, "-o", "jsonl").of("call")

    rows = list(csv.DictReader(io.StringIO(cli("analyze", naked, "-m", mesh, "-o", "csv").out)))

    assert [row["verdict"] for row in rows] == [call["verdict"] or "" for call in calls]


def test_parquet_has_a_row_for_every_call(cli, naked, mesh, tmp_path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    calls = cli("analyze", naked, "-m", mesh, "-o", "jsonl").of("call")
    path = tmp_path / "calls.parquet"

    assert cli("analyze", naked, "-m", mesh, "-o", "parquet", "--out", path).code == 0

    assert parquet.read_table(path)["verdict"].to_pylist() == [call["verdict"] for call in calls]


def test_parquet_without_its_extra_is_a_matter_of_usage_before_any_work(cli, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    answer = cli("analyze", tmp_path / "not-looked-for.pcap", "-o", "parquet")

    assert answer.code == 2
    assert answer.err == (
        "meshverdict: -o parquet: pyarrow is not installed; expected pip install 'meshverdict[parquet]'\n"
    )


def test_parquet_does_not_go_to_a_terminal(cli, naked, monkeypatch) -> None:
    pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    assert "expected --out FILE, or a pipe" in cli("analyze", naked, "-o", "parquet").err


def test_text_is_for_people(cli, naked, mesh) -> None:
    answer = cli("analyze", naked, "-m", mesh)

    assert answer.code == 0
    assert "legacy/naked-0" in answer.out
    assert "\x1b" not in answer.out
    assert max(map(len, answer.out.splitlines())) <= 100


def test_text_has_colours_where_they_are_asked_for(cli, naked, mesh) -> None:
    assert "\x1b[" in cli("analyze", naked, "-m", mesh, "--color", "always").out
    assert "\x1b" not in cli("analyze", naked, "-m", mesh, "--color", "never").out


def test_the_environment_decides_about_colours(spawn, naked, mesh) -> None:
    forced = spawn("analyze", naked, "-m", mesh, FORCE_COLOR="1")
    neither = spawn("analyze", naked, "-m", mesh, FORCE_COLOR="1", NO_COLOR="1")

    assert "\x1b[" in forced.out
    assert "\x1b" not in neither.out


@pytest.mark.parametrize("columns", ["1", "20", "40", "400"])
def test_text_fits_any_width(cli, naked, mesh, monkeypatch, columns) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert cli("analyze", naked, "-m", mesh).code == 0


# Where it goes.


def test_the_report_may_go_to_a_file(cli, naked, mesh, tmp_path) -> None:
    path = tmp_path / "run.jsonl"

    answer = cli("analyze", naked, "-m", mesh, "-o", "jsonl", "--out", path)

    assert (answer.code, answer.out) == (0, "")
    assert path.read_text() == cli("analyze", naked, "-m", mesh, "-o", "jsonl").out


def test_a_page_may_be_written_beside(cli, naked, mesh, tmp_path) -> None:
    page = tmp_path / "run.html"

    answer = cli("analyze", naked, "-m", mesh, "-o", "jsonl", "--html", page)

    assert answer.code == 0
    assert answer.of("call")
    assert page.read_text().lower().startswith("<!doctype html>")


def test_a_page_that_cannot_be_written_is_a_matter_of_usage(cli, naked, tmp_path) -> None:
    answer = cli("analyze", naked, "--html", tmp_path / "gone" / "run.html")

    assert answer.code == 2
    assert "cannot be written" in answer.err


# Input.


def test_without_a_mesh_every_call_has_its_facts(cli, naked) -> None:
    calls = cli("analyze", naked, "-o", "jsonl").of("call")

    assert calls
    assert {call["verdict"] for call in calls} == {None}
    assert {tuple(call["undetermined"]) for call in calls} == {("no-mesh",)}


def test_a_folder_means_every_capture_in_it(cli, shop, mesh) -> None:
    captures = cli("analyze", shop / "pods", "-m", mesh, "-o", "jsonl").of("capture")

    assert len(captures) == len(list((shop / "pods").glob("*.pcap")))


def test_a_capture_may_come_by_standard_input(spawn, naked, mesh) -> None:
    answer = spawn("analyze", "-", "-m", mesh, "-o", "jsonl", stdin=naked.read_bytes())

    assert (answer.code, answer.err) == (0, "")
    assert len(answer.of("call")) == len(spawn("analyze", naked, "-m", mesh, "-o", "jsonl").of("call"))


def test_the_calls_of_an_interval_keep_their_ids(cli, naked, mesh) -> None:
    calls = cli("analyze", naked, "-m", mesh, "-o", "jsonl").of("call")
    third, fifth = (f"{call['first_ns'] / 1e9:.9f}" for call in (calls[2], calls[4]))
    exact = [f"{call['first_ns'] // 10**9}.{call['first_ns'] % 10**9:09}" for call in (calls[2], calls[4])]

    found = cli("analyze", naked, "-m", mesh, "-o", "jsonl", "--since", exact[0], "--until", calls[4]["time"])

    assert third < fifth
    assert [call["id"] for call in found.of("call")] == [call["id"] for call in calls[2:4]]


def test_a_time_that_is_none_is_a_matter_of_usage_before_anything_is_read(cli, tmp_path) -> None:
    answer = cli("analyze", tmp_path / "gone.pcap", "--since", "yesterday")

    assert (answer.code, answer.out) == (2, "")
    assert "--since: found 'yesterday'" in answer.err


# Secrets.


def test_secrets_are_kept_unless_they_are_asked_for(cli, secret_capture) -> None:
    kept = cli("analyze", secret_capture, "-o", "jsonl")
    shown = cli("analyze", secret_capture, "-o", "jsonl", "--redact", "off")

    assert "hunter2" not in kept.out
    assert "hunter2" in shown.out


# What goes wrong.


def test_a_file_that_is_no_capture_is_one_line_with_its_name(cli, no_capture) -> None:
    answer = cli("analyze", no_capture, "-o", "jsonl")

    assert answer.code == 3
    assert answer.err.count("\n") == 1
    assert answer.err.startswith("meshverdict: notes.pcap: ")
    assert [capture["error"] is None for capture in answer.of("capture")] == [False]


def test_the_captures_that_can_be_read_are_reported_beside_those_that_cannot(cli, no_capture, naked, mesh) -> None:
    alone = cli("analyze", naked, "-m", mesh, "-o", "jsonl")

    answer = cli("analyze", no_capture, naked, "-m", mesh, "-o", "jsonl")

    assert answer.code == 3
    assert answer.of("call") == alone.of("call")


def test_a_capture_that_breaks_off_is_reported_as_far_as_it_goes(cli, cut, mesh) -> None:
    answer = cli("analyze", cut, "-m", mesh, "-o", "jsonl")

    assert answer.code == 3
    assert answer.err.startswith("meshverdict: cut.pcap: packet ")
    assert answer.of("call")


def test_a_mesh_path_that_does_not_exist_is_an_error(cli, naked, tmp_path) -> None:
    answer = cli("analyze", naked, "-m", tmp_path / "gone")

    assert (answer.code, answer.out) == (4, "")
    assert answer.err == "meshverdict: gone: no such file or folder\n"


def test_yaml_that_does_not_parse_is_told_and_the_rest_is_still_used(cli, naked, mesh, broken_mesh) -> None:
    whole = cli("analyze", naked, "-m", mesh, "-o", "jsonl")

    answer = cli("analyze", naked, "-m", broken_mesh, "-o", "jsonl")

    assert answer.code == 4
    assert "broken.yaml:" in answer.err
    assert [call["verdict"] for call in answer.of("call")] == [call["verdict"] for call in whole.of("call")]


def test_of_a_broken_capture_and_a_broken_mesh_the_higher_code_counts(cli, cut, broken_mesh) -> None:
    assert cli("analyze", cut, "-m", broken_mesh, "-o", "jsonl").code == 4


# Failing on what was found.


@pytest.mark.parametrize(
    ("what", "code"), [("none", 0), ("passthrough", 1), ("dropped", 0), ("dropped,passthrough", 1), ("disagreement", 0)]
)
def test_a_run_fails_on_what_it_is_told_to_fail_on(cli, naked, mesh, what, code) -> None:
    assert cli("analyze", naked, "-m", mesh, "--fail-on", what).code == code


@pytest.mark.parametrize("output", ["text", "json", "jsonl", "csv"])
def test_the_exit_code_never_depends_on_the_format(cli, naked, mesh, output) -> None:
    assert cli("analyze", naked, "-m", mesh, "--fail-on", "passthrough", "-o", output).code == 1


def test_a_wrong_fail_on_is_told_before_anything_is_done(cli, naked) -> None:
    answer = cli("analyze", naked, "--fail-on", "everything")

    assert (answer.code, answer.out) == (2, "")
    assert "--fail-on: found 'everything'" in answer.err


# The same input.


def test_the_same_input_gives_the_same_bytes_from_any_folder(spawn, naked, mesh, tmp_path) -> None:
    copy = tmp_path / naked.name
    copy.write_bytes(naked.read_bytes())

    assert spawn("analyze", naked, "-m", mesh, "-o", "json").out == spawn("analyze", copy, "-m", mesh, "-o", "json").out


def test_only_calls_that_fit_are_told(cli, naked, mesh) -> None:
    every = cli("analyze", naked, "-m", mesh, "-o", "jsonl").of("call")

    fitting = cli("analyze", naked, "-m", mesh, "-o", "jsonl", "--where", 'verdict == "passthrough"').of("call")

    assert fitting == [call for call in every if call["verdict"] == "passthrough"] != []


def test_a_filter_that_is_wrong_names_its_column(cli, naked, mesh) -> None:
    answer = cli("analyze", naked, "-m", mesh, "--where", 'hst == "a"')

    assert answer.code == 2
    assert "column 1" in answer.err


def test_how_many_processes_share_the_work_changes_nothing(cli, naked, mesh) -> None:
    alone = cli("analyze", naked, "-m", mesh, "-o", "jsonl", "--jobs", "1")

    assert cli("analyze", naked, "-m", mesh, "-o", "jsonl", "--jobs", "3") == alone
    assert cli("analyze", naked, "--jobs", "0").code == 2


def test_every_limit_is_in_the_help_and_on_the_page_of_limits(cli):
    limits = {code.name for code in all_codes() if code.family is Family.LIMIT}
    help_text = cli("analyze", "--help").out
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")

    assert {name for name in limits if name not in "".join(help_text.split())} == set()
    assert {name for name in limits if f"`{name}`" not in page} == set()


def test_access_logs_are_further_evidence(cli, sleep, mesh, tmp_path) -> None:
    call = next(c for c in cli("analyze", sleep, "-m", mesh, "-o", "jsonl").of("call") if c["method"])
    client = f"{call['client']['ip']}:{call['client']['port']}"
    asked = {"start_time": call["time"], "method": call["method"], "path": call["path"]}
    line = asked | {"upstream_cluster": "outbound|1||else", "response_code": 200}
    log = tmp_path / "envoy.log"
    log.write_text(json.dumps(line | {"downstream_remote_address": client}) + "\n")

    findings = cli("analyze", sleep, "-m", mesh, "--access-log", log, "-o", "jsonl").of("finding")
    told = cli("explain", sleep, "-m", mesh, "--access-log", log, "--call", call["id"]).out

    assert any("envoy.log:1" in finding["sentence"] for finding in findings)
    assert "the access log of the client's proxy (envoy.log:1)" in told


def test_a_file_that_is_no_access_log_is_a_matter_of_usage(cli, sleep, mesh, tmp_path) -> None:
    (tmp_path / "x.log").write_text("hello\n")

    assert cli("analyze", sleep, "-m", mesh, "--access-log", tmp_path / "x.log").code == 2
    assert cli("analyze", sleep, "-m", mesh, "--access-log", tmp_path / "none.log").code == 2


# No room.


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("output", ["text", "json", "jsonl", "csv", "markdown"])
@pytest.mark.parametrize("where", ["--out", "--html"])
def test_a_full_disk_is_a_limit_that_is_told(cli, naked, mesh, output, where) -> None:
    answer = cli("analyze", naked, "-m", mesh, "-o", output, where, "/dev/full")

    assert answer.code == 6
    assert answer.err == "meshverdict: /dev/full: No space left on device: what was written is not all of it\n"


# Ctrl-C.


def test_control_c_gives_what_is_known_so_far(sleep, mesh, tmp_path, cli) -> None:
    run = str(tmp_path / "run.mvz")
    command = [sys.executable, "-m", "analyzer", "analyze", "-", "-m", str(mesh), "-o", "jsonl", "--save", run]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        # Once a pipe has taken more than it can hold, somebody reads it.
        process.stdin.write(sleep.read_bytes())
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        lines = process.stdout.read().splitlines()
        told = process.stderr.read().decode()

        assert process.wait() == 130
    assert {json.loads(line)["kind"] for line in lines} >= {"run", "call", "flow"}
    assert told.startswith("meshverdict: interrupted: telling what is known so far\n")
    assert "interrupted: this is what was known by then" in cli("report", run).err
