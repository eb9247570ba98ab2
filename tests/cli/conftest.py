"""The program run in process, or as a process of its own, over the recorded shop."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from analyzer.cli.program import run

ROOT = Path(__file__).resolve().parents[2]
PLAIN = ("NO_COLOR", "FORCE_COLOR", "COLUMNS")
# Of these one line, a colon, and a mapping that never closes: YAML that does not parse.
BROKEN_YAML = "apiVersion: v1\nkind: {Pod\nmetadata: [\n"


@dataclass(frozen=True)
class Answer:
    """What a run left: its exit code, and both streams as text."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, kind: str) -> list[dict]:
        return [record for record in self.records if record["kind"] == kind]


@pytest.fixture
def cli(capsysbinary, monkeypatch):
    """A function that runs the command line in this process."""
    for name in PLAIN:
        monkeypatch.delenv(name, raising=False)

    def answer(*arguments) -> Answer:
        code = run([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        # Parquet is no text.
        return Answer(code, out.decode(errors="backslashreplace"), err.decode())

    return answer


@pytest.fixture(scope="session")
def spawn():
    """A function that runs ``python -m analyzer`` as a process."""
    clean = {key: value for key, value in os.environ.items() if key not in PLAIN}

    def answer(*arguments, stdin=b"", **environment) -> Answer:
        command = [sys.executable, "-m", "analyzer", *(str(argument) for argument in arguments)]
        done = subprocess.run(
            command, cwd=ROOT, input=stdin, capture_output=True, env={**clean, **environment}, check=False
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    return answer


@pytest.fixture(scope="session")
def shop() -> Path:
    """The scenario recorded under Istio's defaults."""
    return ROOT / "captures" / "shop-default"


@pytest.fixture(scope="session")
def mesh(shop) -> Path:
    return shop / "mesh"


@pytest.fixture(scope="session")
def naked(shop) -> Path:
    """The small capture of a pod without a sidecar."""
    return shop / "pods" / "legacy_naked-0.any.pcap"


@pytest.fixture(scope="session")
def sleep(shop) -> Path:
    """The capture of the pod that makes most calls."""
    return shop / "pods" / "shop_sleep-0.any.pcap"


@pytest.fixture
def no_capture(tmp_path) -> Path:
    """A file that is no capture."""
    path = tmp_path / "notes.pcap"
    path.write_text("these are only notes, long enough to be something else than a capture\n")
    return path


@pytest.fixture
def cut(tmp_path, naked) -> Path:
    """A capture that breaks off inside its last record."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(naked.read_bytes()[:-7])
    return path


@pytest.fixture
def broken_mesh(tmp_path, mesh) -> Path:
    """The shop's mesh beside a file that does not parse."""
    folder = tmp_path / "mesh"
    shutil.copytree(mesh, folder)
    (folder / "broken.yaml").write_text(BROKEN_YAML)
    return folder


def _checked_packet(source: bytes, target: bytes, ports: tuple[int, int], seq: int, flags: int, data: bytes) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", *ports, seq, 1, 5 << 4, flags, 64240, 0, 0) + data
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, source, target) + tcp


@pytest.fixture(scope="session")
def secret_capture(tmp_path_factory) -> Path:
    """A capture of raw IP in which somebody asks with a token in the query."""
    client, server = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
    head = b"GET /orders?access_token=hunter2 HTTP/1.1\r\nHost: shop.example\r\n\r\n"
    packets = [
        _checked_packet(client, server, (40000, 80), 0, 0x02, b""),
        _checked_packet(server, client, (80, 40000), 0, 0x12, b""),
        _checked_packet(client, server, (40000, 80), 1, 0x18, head),
    ]
    path = tmp_path_factory.mktemp("captures") / "secret.pcap"
    records = b"".join(struct.pack("<IIII", 1_700_000_000, n, len(p), len(p)) + p for n, p in enumerate(packets))
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101) + records)
    return path
