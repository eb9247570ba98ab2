"""``meshverdict redact``: captures and YAML that may be shown."""

from __future__ import annotations

import pytest

DENIED = """
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: istio-system}
spec: {action: DENY, rules: [{from: [{source: {ipBlocks: [10.244.1.8/29]}}]}]}
"""


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"k" * 32)
    return path


def test_what_is_written_is_analysed_as_before(cli, naked, mesh, key, tmp_path):
    out = tmp_path / "out"

    answer = cli("redact", naked, "-m", mesh, "--out", out, "--key-file", key)

    assert (answer.code, answer.err) == (0, "")
    assert "equal verdicts" in answer.out
    before, after = (
        sorted(str(call["verdict"]) for call in cli("analyze", *where, "-o", "jsonl").of("call"))
        for where in ((naked, "-m", mesh), (out / "captures", "-m", out / "mesh"))
    )
    assert before == after != []


def test_nothing_is_written_over(cli, naked, mesh, key, tmp_path):
    arguments = ("redact", naked, "-m", mesh, "--out", tmp_path / "out", "--key-file", key)
    cli(*arguments)

    answer = cli(*arguments)

    assert answer.code == 2
    assert "is there already" in answer.err


def test_without_a_key_each_run_has_its_own(cli, naked, mesh, tmp_path):
    for name in ("one", "two"):
        assert cli("redact", naked, "-m", mesh, "--out", tmp_path / name).code == 0

    one, two = ({path.name for path in (tmp_path / name).rglob("*")} for name in ("one", "two"))
    assert one != two


@pytest.mark.parametrize(("content", "words"), [(b"short", "found 5 bytes"), (None, "cannot be read")])
def test_a_key_must_be_there_and_long(cli, naked, mesh, tmp_path, content, words):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)

    answer = cli("redact", naked, "-m", mesh, "--out", tmp_path / "out", "--key-file", path)

    assert (answer.code, words in answer.err) == (2, True)


def test_a_mesh_is_needed(cli, naked, tmp_path):
    assert cli("redact", naked, "--out", tmp_path / "out").code == 2


def test_a_capture_that_cannot_be_read_is_told(cli, naked, mesh, no_capture, tmp_path):
    answer = cli("redact", naked, no_capture, "-m", mesh, "--out", tmp_path / "out")

    assert (answer.code, "notes.pcap" in answer.err) == (3, True)
    assert (tmp_path / "out" / "mesh").is_dir()


def test_nothing_is_written_where_a_verdict_would_change(cli, sleep, mesh, key, tmp_path):
    (folder := tmp_path / "mesh").mkdir()
    (folder / "m.yaml").write_text((mesh / "manifests.yaml").read_text() + DENIED)

    answer = cli("redact", sleep, "-m", folder, "--out", tmp_path / "out", "--key-file", key)

    assert (answer.code, "nothing was written" in answer.err) == (1, True)
    assert not (tmp_path / "out").exists()
