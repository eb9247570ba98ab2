"""``--keylog`` from end to end: what it shows, and that it shows nothing of the keys."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hpack import Encoder

from analyzer.capture.reader import read_capture


@pytest.fixture
def talk(tls_talk):
    return tls_talk()


@pytest.fixture
def files(talk, tls_capture, tmp_path):
    log = tmp_path / "keys.log"
    log.write_bytes(talk.keylog)
    return tls_capture(tmp_path / "talk.pcap", talk), log


@pytest.fixture
def secrets(talk):
    """Every secret in the log, as digits and as bytes."""
    digits = [line.split()[2] for line in talk.keylog.splitlines() if not line.startswith(b"#")]
    return [*digits, *(bytes.fromhex(each.decode()) for each in digits)]


def test_a_call_tells_what_is_inside(cli, files) -> None:
    capture, log = files

    (call,) = cli("analyze", capture, "--keylog", log, "-o", "jsonl").of("call")

    assert call["inside"] == [{"method": "GET", "host": "inner.example", "path": "/inner/7", "status": 503}]
    assert "inside" not in cli("analyze", capture, "-o", "jsonl").of("call")[0]


@pytest.mark.parametrize("command", [("explain", "--call", "1"), ("journey", "--call", "1")])
def test_other_commands_take_it_too(cli, files, command) -> None:
    name, *rest = command
    capture, log = files

    answer = cli(name, capture, "--keylog", log, *rest)

    assert answer.code == 0
    assert name != "explain" or "GET /inner/7 with Host inner.example, answered 503" in answer.out


@pytest.mark.parametrize("output", ["text", "json", "jsonl", "csv", "markdown", "junit", "sarif", "github", "gitlab"])
def test_no_output_holds_a_key(cli, files, secrets, output, tmp_path) -> None:
    capture, log = files

    answer = cli(
        "analyze", capture, "--keylog", log, "-o", output, "--redact", "off",
        "--save", tmp_path / "run", "--html", tmp_path / "page.html",
    )  # fmt: skip

    written = (
        (answer.out + answer.err).encode() + (tmp_path / "run").read_bytes() + (tmp_path / "page.html").read_bytes()
    )
    assert not [secret for secret in secrets if secret in written]


def test_no_capture_that_is_written_holds_the_keys_of_one_that_brought_them(
    cli, talk, tls_capture, with_secrets, secrets, tmp_path
) -> None:
    capture = with_secrets(tls_capture(tmp_path / "talk.pcap", talk), talk.keylog)
    (tmp_path / "mesh.yaml").write_text("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n")
    mesh = ("-m", tmp_path / "mesh.yaml")

    codes = [
        cli("trim", capture, *mesh, "--plain", "--out", tmp_path / "trimmed").code,
        cli("redact", capture, *mesh, "--out", tmp_path / "redacted").code,
        cli("extract", capture, *mesh, "--call", "1", "--out", tmp_path / "picked.pcapng").code,
    ]

    folders = [path for name in ("trimmed", "redacted") for path in (tmp_path / name).rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in (*folders, tmp_path / "picked.pcapng"))
    assert codes == [0, 0, 0]
    assert any(secret in capture.read_bytes() for secret in secrets)
    assert not [secret for secret in secrets if secret in written]


def test_a_saved_run_keeps_what_was_inside_without_its_secrets(cli, tls_talk, tls_capture, tmp_path) -> None:
    talk = tls_talk(said=[(True, b"GET /?token=hunter2 HTTP/1.1\r\nHost: a\r\n\r\n")])
    (tmp_path / "keys.log").write_bytes(talk.keylog)
    capture = tls_capture(tmp_path / "talk.pcap", talk)
    cli("analyze", capture, "--keylog", tmp_path / "keys.log", "--save", tmp_path / "run")

    answer = cli("report", tmp_path / "run", "-o", "jsonl")

    assert answer.of("call")[0]["inside"][0]["method"] == "GET"
    assert "hunter2" not in answer.out
    assert b"hunter2" not in (tmp_path / "run").read_bytes()


@pytest.mark.parametrize("content", [b"", b"CLIENT_RANDOM 00 secret\n", None])
def test_a_log_without_keys_is_a_matter_of_usage_and_is_not_quoted(cli, files, tmp_path, content) -> None:
    other = tmp_path / "other.log"
    if content is not None:
        other.write_bytes(content)

    answer = cli("analyze", files[0], "--keylog", other)

    assert answer.code == 2
    assert "other.log" in answer.err
    assert "secret" not in answer.err


def test_keys_stay_on_this_machine(cli, files) -> None:
    assert cli("analyze", files[0], "--keylog", files[1], "--cluster", "tcp://127.0.0.1:1").code == 2


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
@pytest.mark.parametrize(
    ("version", "suite"),
    [("TLSv1_3", None), ("TLSv1_2", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("TLSv1_2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
     ("TLSv1_2", "ECDHE-ECDSA-AES256-SHA384")],
)  # fmt: skip
def test_tshark_sees_the_same_inside(cli, tls_talk, tls_capture, tmp_path, version, suite) -> None:
    paths = [f"/inner/{n}" for n in range(4)]
    ask = "GET {} HTTP/1.1\r\nHost: inner.example\r\n\r\n"
    said = [e for p in paths for e in ((True, ask.format(p).encode()), (False, b"HTTP/1.1 204 No Content\r\n\r\n"))]
    talk = tls_talk(version, suite, said=said)
    log, capture = tmp_path / "keys.log", tls_capture(tmp_path / "talk.pcap", talk)
    log.write_bytes(talk.keylog)

    done = subprocess.run(
        ["tshark", "-r", capture, "-o", f"tls.keylog_file:{log}", "-Y", "http.request", "-T", "fields",
         "-e", "http.request.method", "-e", "http.host", "-e", "http.request.uri"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (call,) = cli("analyze", capture, "--keylog", log, "-o", "jsonl").of("call")

    assert [[each["method"], each["host"], each["path"]] for each in call["inside"]] == [
        line.split("\t") for line in done.stdout.splitlines()
    ]
    assert len(call["inside"]) == 4


@pytest.mark.skipif(shutil.which("editcap") is None, reason="editcap is not here")
def test_secrets_that_editcap_puts_into_a_capture_open_it_and_are_not_handed_on(cli, files, tmp_path) -> None:
    capture, log = files
    held, handed = tmp_path / "held.pcapng", tmp_path / "handed.pcapng"
    subprocess.run(["editcap", "--inject-secrets", f"tls,{log}", capture, held], check=True)

    (call,) = cli("analyze", held, "-o", "jsonl").of("call")
    cli("extract", held, "--call", "1", "--out", handed)

    assert call["inside"][0]["status"] == 503
    assert read_capture(held, name="held").secrets
    assert not read_capture(handed, name="handed").secrets


def test_http_2_inside_is_read_too(cli, tls_talk, tls_capture, tmp_path) -> None:
    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload

    asked = [(":method", "GET"), (":scheme", "https"), (":authority", "two.example"), (":path", "/two")]
    request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 5, 1, Encoder().encode(asked))
    answer = frame(4, 0, 0) + frame(1, 5, 1, Encoder().encode([(":status", "201")]))
    talk = tls_talk(said=[(True, request), (False, answer)], alpn=["h2"])
    (tmp_path / "keys.log").write_bytes(talk.keylog)
    capture = tls_capture(tmp_path / "talk.pcap", talk)

    (call,) = cli("analyze", capture, "--keylog", tmp_path / "keys.log", "-o", "jsonl").of("call")

    assert call["inside"] == [{"method": "GET", "host": "two.example", "path": "/two", "status": 201}]
