"""Whole commands beside their peers: ``python benchmarks/run.py`` makes its input, measures, and writes RESULTS.md.

The commands take turns (A B C, A B C, …) after one round that does not count; what is written are medians. A peer that
is not installed is left out, and said so. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from traffic import Town, write_capture

HERE = Path(__file__).resolve().parent
OURS = "meshverdict"
# What reads and names flows, or is the least that anybody can do: reading every packet and copying it to nowhere.
PEERS: Mapping[str, str] = {
    "tcpdump": "tcpdump -n -r {capture} -w /dev/null",
    "ndpiReader": "ndpiReader -q -i {capture}",
    "tshark": "tshark -n -r {capture} -Y http.request||tls.handshake.type==1 -T fields -e ip.src -e http.host "
    "-e tls.handshake.extensions_server_name",
    "tcpflow": "tcpflow -r {capture} -o {folder}/tcpflow -S enable_report=NO",
    "zeek": "zeek -C -r {capture} Log::default_writer=Log::WRITER_NONE",
}
# Larger captures are for those whose memory has a bound.
BOUNDED, MOST_FOR_ALL = ("tcpdump",), 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command took; ``memory_mb`` is its largest resident set."""

    command: str
    packets: int
    services: int
    wall_s: float
    cpu_s: float
    memory_mb: float


def measure(name: str, command: Sequence[str], packets: int, services: int) -> Cost:
    """Run a command once; raises ``click.ClickException`` where it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=HERE)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise click.ClickException(f"{name} left with {process.returncode}")
    return Cost(name, packets, services, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def commands_for(capture: Path, mesh: Path, folder: Path, peers: Sequence[str]) -> dict[str, list[str]]:
    """Ours, and that of every peer that is installed."""
    calls = str(folder / "calls.jsonl")
    ours = [sys.executable, "-m", "analyzer", "analyze", str(capture), "-m", str(mesh), "-o", "jsonl", "--out", calls]
    found = {OURS: ours}
    for name in peers:
        words = [word.format(capture=capture, folder=folder) for word in PEERS[name].split()]
        if shutil.which(words[0]):
            found[name] = words
    return found


def compare(folder: Path, packets: int, services: int, peers: Sequence[str], runs: int) -> list[Cost]:
    """The costs of all commands over one capture, ``runs`` of each."""
    town = Town(services)
    capture, mesh = folder / f"{packets}-{services}.pcap", folder / f"{services}.yaml"
    if not capture.exists():
        write_capture(capture, town, packets)
    town.write_mesh(mesh)
    commands = commands_for(capture, mesh, folder, peers)
    rounds = [[measure(n, c, packets, services) for n, c in commands.items()] for _ in range(runs + 1)]
    return [cost for each in rounds[1:] for cost in each]


def median(costs: Sequence[Cost], name: str, field: str) -> float:
    """The median of a field over the runs of a command."""
    return statistics.median(getattr(cost, field) for cost in costs if cost.command == name)


def results_page(tables: Sequence[tuple[str, Sequence[Cost]]]) -> str:
    """The page: for each set of costs a table, the ratio of ours to each command in the last column."""
    lines = ["# Results", "", "Written by `benchmarks/run.py`; do not edit.", "", machine(), ""]
    for title, costs in tables:
        lines += [f"## {title}", "", "| packets | services | command | wall s | CPU s | memory MB | ours is × |"]
        lines += ["|---:|---:|---|---:|---:|---:|---:|"]
        for size in dict.fromkeys((c.packets, c.services) for c in costs):
            here = [c for c in costs if (c.packets, c.services) == size]
            ours = median(here, OURS, "wall_s")
            for name in dict.fromkeys(c.command for c in here):
                wall, cpu, memory = (median(here, name, f) for f in ("wall_s", "cpu_s", "memory_mb"))
                ratio = f"{ours / wall:.2f}" if name != OURS else ""
                lines.append(
                    f"| {size[0]:,} | {size[1]:,} | {name} | {wall:.2f} | {cpu:.2f} | {memory:.0f} | {ratio} |"
                )
        lines.append("")
    return "\n".join(lines)


def machine() -> str:
    """What was measured on, as far as it matters."""
    model = next((line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), "unknown")
    usable = len(os.sched_getaffinity(0))
    return f"{model}, {usable} processors, Python {platform.python_version()}, {platform.system()}."


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


@click.command()
@click.option("--packets", multiple=True, type=int, default=(10_000, 100_000, 1_000_000, 10_000_000), show_default=True)
@click.option("--services", multiple=True, type=int, default=(10, 1_000, 10_000), show_default=True)
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("reports/bench"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=HERE / "RESULTS.md", help="The page.")
def main(packets: Sequence[int], services: Sequence[int], runs: int, folder: Path, out: Path) -> None:
    """Measure, write every run to FOLDER/costs.jsonl, and the medians to the page."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    peers = {size: list(PEERS) if size <= MOST_FOR_ALL else BOUNDED for size in packets}
    beside = [cost for size in packets for cost in compare(folder, size, 200, peers[size], runs)]
    growth = [cost for size in services for cost in compare(folder, 100_000, size, [], runs)]
    (folder / "costs.jsonl").write_text("".join(json.dumps(asdict(cost)) + "\n" for cost in (*beside, *growth)))
    out.write_text(results_page([("Packets", beside), ("Services", growth)]))
    absent = [name for name, line in PEERS.items() if not shutil.which(line.split()[0])]
    click.echo(f"wrote {out.name}; not installed: {', '.join(absent) or 'none'}")


if __name__ == "__main__":
    main()
