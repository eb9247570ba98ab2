"""The program opens no network connection but ``--cluster``: what it is given stays where it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.cli.program import COMMANDS

# An audit hook sees every socket of the interpreter, whatever library asks for it, and cannot be removed again.
OFFLINE = """
import runpy, sys

NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostby")

def refuse(event, arguments):
    if event.startswith(NETWORK):
        raise RuntimeError(event)

sys.addaudithook(refuse)
"""
RUN = "runpy.run_module('analyzer', run_name='__main__', alter_sys=True)"
# Runs the command lines of a JSON object one after the other and writes their exit codes beside it.
RUN_ALL = """
import json
from pathlib import Path
from analyzer.cli.program import run

asked = Path(sys.argv[1])
codes = {}
for name, arguments in json.loads(asked.read_text()).items():
    print(name, file=sys.stderr)
    codes[name] = run(arguments)
    asked.with_name("codes.json").write_text(json.dumps(codes))
"""
CAPTURE = "captures/shop-default/pods/shop_sleep-0.any.pcap"
MESH = "captures/shop-default/mesh"

# One invocation of each command; the test below fails for a new command until it has its line here.
ASKED = {
    "analyze": (CAPTURE, "-m", MESH),
    "check": ("captures/shop-default",),
    "codes": (),
    "config": ("show",),
    "coverage": (CAPTURE, "-m", MESH),
    "diff": (CAPTURE, CAPTURE, "-m", MESH),
    "explain": (CAPTURE, "-m", MESH, "--call", "1", "--packet", "2"),
    "extract": (CAPTURE, "-m", MESH, "--verdict", "dropped", "--out", os.devnull),
    "graph": (CAPTURE, "-m", MESH),
    "info": (CAPTURE,),
    "journey": (CAPTURE, "-m", MESH, "--call", "1"),
    "lint": ("-m", MESH, "--fail-on", "none"),
    "mtls": (CAPTURE, "-m", MESH),
    "names": (CAPTURE, "-m", MESH),
    "record": ("--from", "shop/sleep-0"),
    "redact": (CAPTURE, "-m", MESH, "--out", "OUT"),
    "report": ("RUN",),
    "route": ("--from", "shop/sleep-0", "--to", "10.96.0.11:9080", "--host", "frontend", "-m", MESH),
    "timeline": (CAPTURE, "-m", MESH),
    "trim": (CAPTURE, "-m", MESH, "--out", "OUT"),
    "whatif": (CAPTURE, "-m", MESH, "--set", "mtls=STRICT", "--fail-on", "none"),
}


def run_offline(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", OFFLINE + program, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def all_run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], str]:
    """The exit code of each command, and what all of them said of errors."""
    folder = tmp_path_factory.mktemp("offline")
    places = {"OUT": str(folder), "RUN": str(folder / "run.mvz")}
    asked = {name: [name, *(places.get(word, word) for word in words)] for name, words in ASKED.items()}
    save = {"": ["analyze", CAPTURE, "-m", MESH, "--save", places["RUN"]]}
    (folder / "asked.json").write_text(json.dumps(save | asked))
    done = run_offline(RUN_ALL, str(folder / "asked.json"), cwd=root)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "codes.json").read_text()), done.stderr


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_no_command_touches_the_network(all_run: tuple[dict[str, int], str], command: str) -> None:
    codes, errors = all_run

    assert codes.get(command) == 0, errors


def test_the_program_touches_no_network_before_and_after_its_command(root: Path) -> None:
    done = run_offline(RUN, "codes", cwd=root)

    assert done.returncode == 0, done.stderr


def test_the_guard_notices_a_connection(root: Path) -> None:
    done = run_offline("import socket; socket.create_connection(('127.0.0.1', 9))", cwd=root)

    assert "RuntimeError: socket." in done.stderr
