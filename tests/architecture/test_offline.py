"""The program never opens a network connection: what it is given stays where it is."""

import subprocess
import sys
from pathlib import Path

import pytest

# An audit hook sees every socket of the interpreter, whatever library asks for it, and cannot be removed again.
OFFLINE = """
import runpy, sys

def refuse(event, arguments):
    if event.startswith(("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostby", "socket.sendto")):
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(refuse)
{program}
"""
SHOP = "captures/shop-default"
RUN_MODULE = "runpy.run_module('analyzer', run_name='__main__', alter_sys=True)"


def run_offline(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", OFFLINE.format(program=program), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", f"{SHOP}/pods/shop_sleep-0.any.pcap", "-m", f"{SHOP}/mesh"),
        ("route", "--from", "shop/sleep-0", "--to", "10.96.0.11:9080", "--host", "frontend", "-m", f"{SHOP}/mesh"),
        ("lint", "-m", f"{SHOP}/mesh", "--fail-on", "none"),
        ("info", f"{SHOP}/pods/shop_sleep-0.any.pcap"),
        ("codes",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_command_touches_the_network(root: Path, arguments: tuple[str, ...]) -> None:
    done = run_offline(RUN_MODULE, *arguments, cwd=root)

    assert (done.returncode, done.stderr[-2000:]) == (0, "")


def test_the_guard_notices_a_connection(root: Path) -> None:
    done = run_offline("import socket; socket.create_connection(('127.0.0.1', 9))", cwd=root)

    assert "RuntimeError: socket." in done.stderr
