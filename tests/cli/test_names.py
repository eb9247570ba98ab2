"""``meshverdict names``: who stands behind PassthroughCluster and BlackHoleCluster."""

from __future__ import annotations


def test_names_are_told_by_workload(cli, sleep, mesh):
    answer = cli("names", sleep, "-m", mesh)

    assert (answer.code, answer.err) == (0, "")
    assert "www.example.com" in answer.out


def test_each_name_has_its_calls(cli, sleep, mesh):
    names = cli("names", sleep, "-m", mesh, "-o", "jsonl").of("name")

    assert {(n["name"], n["port"], n["named_by"]) for n in names} >= {
        ("www.example.com", 443, "sni"),
        ("www.example.com", 80, "host"),
        (None, 4000, None),
    }


def test_service_entries_are_drafted(cli, sleep, mesh):
    out = cli("names", sleep, "-m", mesh, "--draft", "serviceentry").out

    assert 'hosts: ["www.example.com"]' in out


def test_calls_may_be_left_out_by_time(cli, sleep, mesh):
    assert cli("names", sleep, "-m", mesh, "--until", "1").out.startswith("No call")


def test_a_mesh_is_needed(cli, sleep):
    assert cli("names", sleep).code == 2


def test_standard_input_is_gone_after_the_first_reading(cli, mesh):
    answer = cli("names", "-", "-m", mesh)

    assert answer.code == 2
    assert "cannot be read twice" in answer.err


def test_a_file_that_is_no_capture_is_told_and_the_others_are_read(cli, sleep, no_capture, mesh):
    answer = cli("names", sleep, no_capture, "-m", mesh)

    assert answer.code == 3
    assert "www.example.com" in answer.out


def test_a_filter_chooses_the_calls(cli, sleep, mesh):
    names = cli("names", sleep, "-m", mesh, "-o", "jsonl", "--where", 'host == "www.example.com"').records

    assert [name["name"] for name in names] == ["www.example.com"]
