"""Each outside package has one door, and what must not be in the rooms is not there."""

import ast
from fnmatch import fnmatch

import pytest

# The outside package, and the modules (patterns inside the package) that may import it.
DOORS = {
    "numba": ["base/kernel.py"],
    "llvmlite": ["base/kernel.py", "base/machine_code.py"],
    "yaml": ["mesh/source.py"],
    "jinja2": ["report/as_html.py"],
    "hpack": ["protocol/http2*.py"],
    "hyperframe": ["protocol/http2*.py"],
    "scapy": ["capture/dissect.py"],
    "dpkt": ["capture/dissect.py"],
    "msgspec": ["base/fact.py", "report/*_json.py", "report/json_*.py", "report/saved_run.py"],
    "click": ["cli/*.py"],
    "rich": ["cli/progress.py", "report/layout.py"],
    "pandas": ["notebook.py"],
    "cryptography": ["protocol/crypto.py"],
    "distributed": ["cluster.py", "cluster_work.py"],
    "pyarrow": ["report/as_parquet.py"],
}
# Imported in one module, whichever that is.
SINGLE = ["re2", "backports"]
# What may make a connection, and so may stand nowhere.
NETWORK = {"socket", "ssl", "http", "urllib3", "requests", "ftplib", "smtplib", "asyncio", "xmlrpc", "telnetlib"}
# Names whose value differs from run to run. Only the command line may ask for them.
CLOCK = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


def dotted(node: ast.AST) -> str:
    """The last two names of an attribute, as ``time.time``; empty for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        return f"{owner}.{node.attr}"
    return ""


@pytest.mark.parametrize("package", sorted(DOORS))
def test_an_outside_package_comes_in_by_its_own_door(sources, package: str) -> None:
    importers = [source.name for source in sources if package in source.imported]

    assert [name for name in importers if not any(fnmatch(name, door) for door in DOORS[package])] == []


@pytest.mark.parametrize("package", SINGLE)
def test_an_outside_package_is_known_to_one_module_at_most(sources, package: str) -> None:
    importers = [source.name for source in sources if package in source.imported]

    assert len(importers) <= 1, importers


def test_no_module_can_reach_the_network(sources) -> None:
    reaching = {source.name: source.imported & NETWORK for source in sources if source.imported & NETWORK}

    assert reaching == {}


def test_only_the_command_line_prints(sources) -> None:
    printing = [
        f"{source.name}:{node.lineno}"
        for source in sources
        if not source.name.startswith(("cli/", "__main__"))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert printing == []


def test_no_room_reads_the_clock(sources) -> None:
    reading = [
        f"{source.name}:{node.lineno}"
        for source in sources
        if not source.name.startswith("cli/")
        for node in ast.walk(source.tree)
        if dotted(node) in CLOCK
    ]

    assert reading == []


def test_no_room_reads_the_environment(sources) -> None:
    reading = [
        f"{source.name}:{node.lineno}"
        for source in sources
        if not source.name.startswith(("cli/", "__main__"))
        for node in ast.walk(source.tree)
        if dotted(node) in {"os.environ", "os.getenv"}
    ]

    assert reading == []


def test_no_module_is_named_after_nothing(sources) -> None:
    names = {source.name.rpartition("/")[2] for source in sources}

    assert names & {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"} == set()
