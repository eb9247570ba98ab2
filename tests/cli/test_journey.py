"""``meshverdict journey``: one request across captures."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PODS = ROOT / "captures" / "shop-default" / "pods"
SKEW_S = 37


@pytest.fixture
def skewed(tmp_path):
    """The server's capture with a clock that is ahead."""
    data = bytearray((PODS / "shop_frontend-1.any.pcap").read_bytes())
    place = 24
    while place < len(data):
        seconds, _, captured = struct.unpack_from("<III", data, place)
        struct.pack_into("<I", data, place, seconds + SKEW_S)
        place += 16 + captured
    path = tmp_path / "shop_frontend-1.any.pcap"
    path.write_bytes(data)
    return path


def moments(answer):
    (line,) = answer.of("passage")
    return [(m["role"], m["what"], m["packet"]) for m in line["moments"]]


def of_frontend_1(cli, mesh, *captures):
    """A request id that the sidecar of frontend-1 delivered, of a call of sleep-0."""
    answer = cli("journey", *captures, "-m", mesh, "--where", 'host == "frontend:9080"', "--most", "99", "-o", "jsonl")
    return [line for line in answer.of("passage") if any("frontend-1" in name for name in line["skews"])]


def test_a_skewed_clock_is_found_and_taken_out(cli, sleep, mesh, skewed) -> None:
    level = of_frontend_1(cli, mesh, sleep, PODS / "shop_frontend-1.any.pcap")
    apart = of_frontend_1(cli, mesh, sleep, skewed)

    assert level
    assert [line["request_id"] for line in apart] == [line["request_id"] for line in level]
    skew = apart[0]["skews"]["shop_frontend-1.any.pcap"]
    assert abs(skew["offset_ns"] - SKEW_S * 10**9) < 10**6
    for one, other in zip(level, apart, strict=True):
        assert [m["packet"] for m in one["moments"]] == [m["packet"] for m in other["moments"]]


def test_a_request_id_finds_its_call(cli, sleep, mesh) -> None:
    (known, *_) = of_frontend_1(cli, mesh, sleep, PODS / "shop_frontend-1.any.pcap")

    found = cli("journey", sleep, PODS / "shop_frontend-1.any.pcap", "-m", mesh, "--request-id", known["request_id"])

    assert f"call {known['call']} " in found.out
    assert "sidecar-to-app" in found.out


@pytest.mark.parametrize(
    "options", [(), ("--call", "1", "--request-id", "x"), ("--call", "9999"), ("--request-id", "x")]
)
def test_one_call_must_be_meant(cli, naked, options) -> None:
    assert cli("journey", naked, *options).code == 2


@pytest.mark.parametrize("redact", ["standard", "strict"])
def test_secrets_are_hidden_unless_they_are_asked_for(cli, secret_capture, mesh, redact) -> None:
    shown = cli("journey", secret_capture, "-m", mesh, "--call", "1", "--redact", "off")
    hidden = cli("journey", secret_capture, "-m", mesh, "--call", "1", "--redact", redact)

    assert "hunter2" in shown.out
    assert "hunter2" not in hidden.out
