"""``meshverdict route``: where an invented call would go."""

from __future__ import annotations

import io
import json
import sys

import pytest

ONE = ("--from", "shop/sleep-0", "--to", "10.96.0.11:9080", "--host", "frontend:9080")
CALL = {"name": "a", "source": "shop/sleep-0", "address": "10.96.0.11", "port": 9080, "host": "frontend:9080"}
CLUSTER = "outbound|9080||frontend.shop.svc.cluster.local"


@pytest.fixture
def calls(tmp_path):
    def write(*calls, name="calls.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(call) + "\n" for call in calls))
        return path

    return write


# One call.


def test_a_call_by_options_is_answered_for_people(cli, mesh) -> None:
    answer = cli("route", "-m", mesh, *ONE)

    assert (answer.code, answer.err) == (0, "")
    assert "service-matched" in answer.out
    assert CLUSTER in answer.out


def test_a_call_by_options_is_answered_for_programs(cli, mesh) -> None:
    (answer,) = cli("route", "-m", mesh, *ONE, "-o", "jsonl").records

    assert (answer["verdict"], answer["reason"], answer["outbound"]["cluster"]) == (
        "service-matched", "service", CLUSTER,
    )  # fmt: skip
    assert {"name", "undetermined", "gateway", "inbound", "evidence"} <= answer.keys()


def test_every_option_means_what_the_field_of_a_file_means(cli, mesh, calls) -> None:
    options = ("--protocol", "http", "--path", "/a?b=1", "--method", "POST", "--header", "X-User: alice")
    fields = {"protocol": "http", "path": "/a?b=1", "method": "POST", "headers": {"x-user": "alice"}, "name": ""}

    by_options = cli("route", "-m", mesh, *ONE, *options, "-o", "jsonl").out
    by_file = cli("route", "-m", mesh, "--calls", calls({**CALL, **fields}), "-o", "jsonl").out

    assert by_options == by_file


def test_a_clients_labels_stand_for_its_pod(cli, mesh) -> None:
    answer = cli(
        "route", "-m", mesh, "--from", "shop", "--label", "app=sleep", *ONE[2:], "-o", "jsonl"
    )  # fmt: skip

    assert [record["outbound"]["cluster"] for record in answer.records] == [CLUSTER]


def test_tls_is_asked_about_by_name_and_protocols(cli, mesh) -> None:
    tls = ("--protocol", "tcp", "--tls", "tls", "--sni", "secure.example.com", "--alpn", "h2", "--alpn", "http/1.1")

    (answer,) = cli(
        "route", "-m", mesh, "--from", "shop/sleep-0", "--to", "203.0.113.11:443", *tls, "-o", "jsonl"
    ).records  # fmt: skip

    assert answer["outbound"]["cluster"] == "outbound|443||secure.example.com"


def test_the_servers_side_may_be_asked_by_itself(cli, mesh) -> None:
    (answer,) = cli(
        "route", "-m", mesh, "--direction", "inbound", "--from", "shop/frontend-0", "--to", "10.244.1.11:9080",
        "-o", "jsonl",
    ).records  # fmt: skip

    assert (answer["outbound"], answer["inbound"]["cluster"]) == (None, "inbound|9080||")


def test_an_ipv6_address_stands_in_brackets(cli, mesh) -> None:
    assert cli("route", "-m", mesh, "--from", "shop/sleep-0", "--to", "[2001:db8::1]:80", "-o", "jsonl").code == 0


def test_a_pipe_is_filled_up_to_a_fixed_width(cli, mesh) -> None:
    assert max(map(len, cli("route", "-m", mesh, *ONE).out.splitlines())) <= 100


# A file of calls.


def test_every_call_of_a_file_is_answered_in_its_order(cli, mesh, calls) -> None:
    path = calls(CALL, {**CALL, "name": "b", "host": "unknown.example"}, {**CALL, "name": "c", "port": 1})

    answer = cli("route", "-m", mesh, "--calls", path, "-o", "jsonl")

    assert [record["name"] for record in answer.records] == ["a", "b", "c"]


def test_a_call_of_a_file_that_names_an_unknown_pod_says_so_in_its_own_answer(cli, mesh, calls) -> None:
    path = calls(CALL, {**CALL, "name": "b", "source": "shop/nobody"}, {**CALL, "name": "c", "direction": "gateway"})

    answer = cli("route", "-m", mesh, "--calls", path, "-o", "jsonl")

    assert (answer.code, [each["verdict"] for each in answer.records]) == (0, ["service-matched", None, None])
    assert [each["undetermined"] for each in answer.records[1:]] == [["nobody-to-ask"]] * 2
    assert "pod shop/nobody is not in the mesh input" in str(answer.records[1]["evidence"])


def test_calls_may_be_a_yaml_list(cli, mesh, tmp_path) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text("- {name: a, source: shop/sleep-0, address: 10.96.0.11, port: 9080, host: frontend}\n")

    (answer,) = cli("route", "-m", mesh, "--calls", path, "-o", "jsonl").records

    assert (answer["name"], answer["outbound"]["cluster"]) == ("a", CLUSTER)


def test_calls_may_come_by_standard_input(spawn, mesh) -> None:
    answer = spawn("route", "-m", mesh, "--calls", "-", "-o", "jsonl", stdin=json.dumps(CALL).encode())

    assert [record["name"] for record in answer.records] == ["a"]


def test_standard_input_is_read_as_bytes(cli, mesh, monkeypatch) -> None:
    name = "\u00e4"
    data = json.dumps({**CALL, "name": name}, ensure_ascii=False).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))

    answer = cli("route", "-m", mesh, "--calls", "-", "-o", "jsonl")

    assert [record["name"] for record in answer.records] == [name]


def test_no_calls_have_no_answers(cli, mesh, calls) -> None:
    answer = cli("route", "-m", mesh, "--calls", calls(), "-o", "jsonl")

    assert (answer.code, answer.out) == (0, "")


def test_answers_may_go_to_a_file(cli, mesh, calls, tmp_path) -> None:
    path = tmp_path / "answers.jsonl"

    assert cli("route", "-m", mesh, "--calls", calls(CALL), "-o", "jsonl", "--out", path).out == ""
    assert json.loads(path.read_text())["name"] == "a"


# What goes wrong.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give either --calls FILE, or --from and --to"),
        (("--from", "shop/sleep-0", "--calls", "x"), "give either --calls FILE, or --from and --to"),
        (("--from", "shop/sleep-0"), "--to: found None, expected IP:PORT"),
        (("--from", "shop/sleep-0", "--to", "10.96.0.11"), "--to: found '10.96.0.11', expected IP:PORT"),
        (("--from", "shop/sleep-0", "--to", "10.96.0.11:http"), "--to: found '10.96.0.11:http', expected IP:PORT"),
        (("--from", "shop/sleep-0", "--to", "10.96.0.11:²"), "--to: found '10.96.0.11:²', expected IP:PORT"),
        (("--from", "shop/sleep-0", "--to", "frontend:80"), "address: found 'frontend', expected an IP address"),
        (("--from", "shop/gone", "--to", "10.96.0.11:80"), "pod shop/gone is not in the mesh input"),
        ((*ONE, "--header", "alice"), "--header: found 'alice', expected NAME:VALUE"),
        ((*ONE, "--label", "alice"), "--label: found 'alice', expected NAME=VALUE"),
        (("--calls", "gone.jsonl"), "--calls gone.jsonl: No such file or directory"),
    ],
)
def test_a_wrong_question_is_a_matter_of_usage(cli, mesh, arguments, told) -> None:
    answer = cli("route", "-m", mesh, *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
    assert answer.err.count("\n") == 1


def test_a_line_that_is_no_call_is_told_by_its_number(cli, mesh, calls) -> None:
    answer = cli("route", "-m", mesh, "--calls", calls(CALL, {**CALL, "port": "http"}), "-o", "jsonl")

    assert (answer.code, answer.out) == (2, "")
    assert "calls.jsonl:2: port: found 'http'" in answer.err


def test_without_a_mesh_there_is_no_answer(cli) -> None:
    answer = cli("route", *ONE)

    assert (answer.code, answer.out) == (2, "")
    assert "no mesh" in answer.err


def test_a_mesh_path_that_does_not_exist_is_an_error(cli, tmp_path) -> None:
    assert cli("route", "-m", tmp_path / "gone", *ONE).code == 4


def test_yaml_that_does_not_parse_is_told_and_the_rest_still_answers(cli, broken_mesh) -> None:
    answer = cli("route", "-m", broken_mesh, *ONE, "-o", "jsonl")

    assert answer.code == 4
    assert "broken.yaml:" in answer.err
    assert [record["outbound"]["cluster"] for record in answer.records] == [CLUSTER]


def test_colours_are_for_those_who_ask(cli, mesh) -> None:
    assert "\x1b[" in cli("route", "-m", mesh, *ONE, "--color", "always").out
    assert "\x1b" not in cli("route", "-m", mesh, *ONE).out
