"""Names behind PassthroughCluster, as text and as lines."""

from __future__ import annotations

import json

from analyzer.base.place import PacketPlace
from analyzer.report.as_names import names_jsonl, render_names
from analyzer.verdict.names import OutsideName


def named(name="api.example.com", by="host", *, workload="shop/web", known=False, cluster="PassthroughCluster"):
    return OutsideName(
        workload, name, by, 443, "tls", cluster, ("203.0.113.9",), known, ("7", "9"), (PacketPlace("a.pcap", 3),), 1_000
    )


def test_names_stand_under_their_workload():
    lines = render_names([named(), named("b.example.com", workload="shop/zoo")]).splitlines()

    assert [line.strip() for line in lines if line.startswith("  ") and not line.startswith("   ")] == [
        "shop/web",
        "shop/zoo",
    ]
    assert lines[0] == "4 calls that no Service took, to 2 names outside."


def test_what_has_no_name_is_its_address():
    assert "203.0.113.9 " in render_names([named(None, None)])


def test_what_belongs_to_the_mesh_is_marked_and_explained():
    text = render_names([named("reviews", known=True)])

    assert "reviews *" in text
    assert "no remedy" in text
    assert "*" not in render_names([named()])


def test_nothing_to_name_is_said():
    assert render_names([]).startswith("No call went to PassthroughCluster")


def test_as_lines_each_name_has_what_it_stands_on():
    (line,) = map(json.loads, names_jsonl([named()]))

    assert (line["kind"], line["name"], line["named_by"], line["packets"]) == (
        "name", "api.example.com", "host", ["a.pcap:3"],
    )  # fmt: skip


def test_credentials_in_a_name_are_kept_unless_asked_for():
    secret = named("user:hunter2@api.example.com")

    assert "hunter2" not in render_names([secret]) + b"".join(names_jsonl([secret])).decode()
    assert "hunter2" in render_names([secret], redact=False) + b"".join(names_jsonl([secret], redact=False)).decode()


def test_names_from_the_wire_are_shown_and_not_obeyed(hostile_names):
    hostile = [named(name, workload=name) for name in hostile_names]

    text = render_names(hostile) + b"".join(names_jsonl(hostile)).decode()

    assert "\x1b" not in text
    assert "\u202e" not in text
