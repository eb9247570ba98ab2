"""The table of exit codes: command by situation, whatever the format."""

from __future__ import annotations

import shutil
import struct

import click
import pytest

from analyzer.cli.program import COMMANDS, program

# What happens on the way to each code is told by the tests of each command.
pytestmark = pytest.mark.no_cover

FORGES = ("markdown", "junit", "sarif", "github", "gitlab")

# By command: what is asked. Words in capitals stand for files of the world below.
QUIET = {
    "analyze": ("CAPTURE", "-m", "MESH"),
    "check": ("SUITE",),
    "codes": (),
    "config": ("show",),
    "coverage": ("CAPTURE", "-m", "MESH"),
    "diff": ("CAPTURE", "CAPTURE", "-m", "MESH"),
    "explain": ("CAPTURE", "-m", "MESH", "--call", "1"),
    "extract": ("CAPTURE", "-m", "MESH", "--verdict", "passthrough", "--out", "OUT"),
    "graph": ("CAPTURE", "-m", "MESH"),
    "info": ("CAPTURE", "-m", "MESH"),
    "journey": ("CAPTURE", "-m", "MESH", "--call", "1"),
    "lint": ("-m", "MESH", "--fail-on", "none"),
    "mtls": ("CAPTURE", "-m", "MESH"),
    "names": ("CAPTURE", "-m", "MESH"),
    "record": ("--from", "shop/sleep-0", "-m", "MESH"),
    "redact": ("CAPTURE", "-m", "MESH", "--out", "FOLDER"),
    "report": ("RUN",),
    "route": ("--from", "shop/sleep-0", "--to", "10.96.0.11:9080", "--host", "frontend", "-m", "MESH"),
    "timeline": ("CAPTURE", "-m", "MESH"),
    "trim": ("CAPTURE", "-m", "MESH", "--out", "FOLDER"),
    "whatif": ("CAPTURE", "-m", "MESH", "--mesh-new", "MESH"),
}
# What is asked where there shall be something to report: of the commands that fail for it.
FINDING = {
    "analyze": (*QUIET["analyze"], "--fail-on", "passthrough"),
    "check": ("FAILING",),
    "coverage": (*QUIET["coverage"], "--fail-under", "100"),
    "diff": (*QUIET["diff"], "--mesh-new", "STRICT"),
    "lint": ("-m", "MESH"),
    "mtls": (*QUIET["mtls"], "--require", "100"),
    "report": ("RUN", "--fail-on", "passthrough"),
    "whatif": (*QUIET["whatif"], "--set", "mtls=STRICT"),
}
READS_CAPTURES = {name for name, words in QUIET.items() if "CAPTURE" in words} | {"check"}
READS_MESH = {name for name, words in QUIET.items() if "MESH" in words} | {"check"}
# By situation: the code, and the commands that may come into it.
SITUATIONS = {
    "quiet": (0, QUIET.keys()),
    "finding": (1, FINDING.keys()),
    "no such option": (2, QUIET.keys()),
    "no such format": (2, QUIET.keys() - {"config", "explain", "extract"}),
    "no such capture": (3, READS_CAPTURES),
    "a capture that is none": (3, READS_CAPTURES),
    "a capture that breaks off": (3, READS_CAPTURES),
    "no such mesh": (4, READS_MESH),
    "a part of the mesh is unusable": (4, READS_MESH),
    "both": (4, READS_CAPTURES & READS_MESH),
    "too little evidence, and a failure": (5, {"check"}),
    "a limit was hit": (6, READS_CAPTURES),
}


def formats_of(command: str) -> tuple[str | None, ...]:
    """What ``-o`` of a command takes, None where it has none: a new format is tested by itself."""
    found = program.get_command(click.Context(program), command)
    assert found is not None
    outputs = (each for each in found.params if "--output" in each.opts)
    return next((tuple(each.type.choices) for each in outputs if isinstance(each.type, click.Choice)), (None,))


CASES = [
    pytest.param(command, situation, output, id=f"{command}-{situation}-{output}")
    for situation, (_, commands) in SITUATIONS.items()
    for command in sorted(commands)
    for output in formats_of(command)
]


@pytest.fixture(scope="session")
def kept(spawn, naked, mesh, tmp_path_factory):
    """The run of the world's capture, saved."""
    path = tmp_path_factory.mktemp("runs") / "run.mvz"
    spawn("analyze", naked, "-m", mesh, "--save", path)
    return path


@pytest.fixture
def world(tmp_path, naked, mesh, kept, monkeypatch):
    """A folder with a capture, its saved run, its mesh, the same with STRICT, and suites that hold and fail."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(kept, tmp_path)
    shutil.copy(naked, tmp_path / "a.pcap")
    for name in ("mesh", "strict"):
        shutil.copytree(mesh, tmp_path / name)
    policy = (
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: istio-system}\n"
    )
    (tmp_path / "strict" / "strict.yaml").write_text(f"{policy}spec: {{mtls: {{mode: STRICT}}}}\n")
    head = "captures: a.pcap\nmesh: mesh\n"
    (tmp_path / "good.yaml").write_text(f"{head}budgets: {{disagreement: 0}}\nevidence: {{calls: 0}}\n")
    (tmp_path / "bad.yaml").write_text(f"{head}budgets: {{passthrough: 0}}\n")
    return tmp_path


def hello_of(size: int) -> bytes:
    """A ClientHello with nothing but an extension of that many bytes, as a capture of raw IP."""
    extension = struct.pack(">HH", 21, size) + bytes(size)
    body = b"\x03\x03" + bytes(33) + b"\0\x02\x13\x01\x01\0" + struct.pack(">H", len(extension)) + extension
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    record = b"\x16\x03\x01" + struct.pack(">H", len(message)) + message
    segments = [(0, 0x02, b""), *((1 + at, 0x18, record[at : at + 1400]) for at in range(0, len(record), 1400))]
    packets = [_segment(seq, flags, data) for seq, flags, data in segments]
    records = b"".join(struct.pack("<IIII", 1_700_000_000, n, len(p), len(p)) + p for n, p in enumerate(packets))
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101) + records


def _segment(seq: int, flags: int, data: bytes) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", 40_000, 443, seq, 1, 5 << 4, flags, 64_240, 0, 0) + data
    ends = bytes([192, 0, 2, 1, 192, 0, 2, 2])
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + ends + tcp


def come_to(situation: str, world) -> None:
    """Make of the world what the situation says."""
    capture, mesh = world / "a.pcap", world / "mesh"
    if situation in ("a capture that breaks off", "both"):
        capture.write_bytes(capture.read_bytes()[:-7])
    if situation in ("a part of the mesh is unusable", "both"):
        (mesh / "broken.yaml").write_text("{a: [")
    if situation == "a capture that is none":
        capture.write_text("these are only notes, long enough to be something else than a capture\n")
    if situation == "no such capture":
        capture.unlink()
    if situation == "no such mesh":
        shutil.rmtree(mesh)
    if situation == "a limit was hit":
        capture.write_bytes(hello_of(17_000))
    if situation.startswith("too little evidence"):
        suite = world / "bad.yaml"
        suite.write_text(suite.read_text() + "evidence: {calls: 1000}\n")


def words_of(command: str, situation: str, output: str | None) -> tuple[str, ...]:
    """The command line of a case; findings are asked for where there may be some: what is worse goes before them."""
    names = {
        "CAPTURE": "a.pcap", "MESH": "mesh", "STRICT": "strict", "SUITE": "good.yaml", "FAILING": "bad.yaml",
        "OUT": "out.pcapng", "FOLDER": "out", "RUN": "run.mvz",
    }  # fmt: skip
    asked = (QUIET if situation == "quiet" else QUIET | FINDING)[command]
    words = (command, *(names.get(word, word) for word in asked))
    if situation == "no such option":
        return (*words, "--unheard-of")
    if situation == "no such format":
        return (*words, "-o", "papyrus")
    return words if output is None else (*words, "-o", output)


@pytest.mark.parametrize(("command", "situation", "output"), CASES)
def test_the_exit_code_is_that_of_the_situation(cli, world, command, situation, output) -> None:
    come_to(situation, world)

    answer = cli(*words_of(command, situation, output))

    assert answer.code == SITUATIONS[situation][0], answer.err
    assert answer.err or answer.code in (0, 1, 5)


def test_every_command_is_in_the_table() -> None:
    assert QUIET.keys() == COMMANDS.keys()


@pytest.mark.parametrize("situation", ["a capture that breaks off", "a part of the mesh is unusable", "both"])
@pytest.mark.parametrize("command", sorted(FINDING.keys() - {"lint"}))
def test_the_results_so_far_are_written(cli, world, command, situation) -> None:
    come_to(situation, world)

    assert cli(*words_of(command, situation, None)).out


@pytest.mark.parametrize("command", ["analyze", "check", "diff", "whatif"])
def test_further_reports_of_the_same_run_are_written_beside_the_first(cli, world, command) -> None:
    files = {name: world / f"report.{name}" for name in FORGES}
    also = [word for name, file in files.items() for word in ("--also", f"{name}={file}")]

    answer = cli(*words_of(command, "finding", "text"), *also)

    assert answer.code == 1
    for name, file in files.items():
        assert file.read_bytes() == cli(*words_of(command, "finding", name)).out.encode()
