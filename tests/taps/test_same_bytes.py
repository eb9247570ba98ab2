"""Equal input gives equal bytes, whatever surrounds the program and however its input arrives."""

import os
import subprocess
import sys

import pytest

ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns")
LANGUAGES = ("C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1")


@pytest.fixture
def analyze(recording):
    """A function that runs the program over the recording as a process of its own."""

    def run(*options: str, feed: bytes | None = None, size: int = 1, **environment: str) -> bytes:
        source = "pods" if feed is None else "-"
        command = [sys.executable, "-m", "analyzer", "analyze", source, "-m", "mesh", "-o", "jsonl", *options]
        here = {"cwd": recording.folder, "env": {**os.environ, **environment}}
        if feed is None:
            return subprocess.run(command, capture_output=True, check=True, **here).stdout
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **here) as process:
            for at in range(0, len(feed), size):
                process.stdin.write(feed[at : at + size])
            said, _ = process.communicate()
        return said

    return run


@pytest.mark.parametrize("recording", ["shop-strict"], indirect=True)
def test_no_seed_of_hashes_time_zone_language_or_number_of_workers_shows(analyze) -> None:
    outputs = {
        analyze("--jobs", str(seed % 3 + 1), PYTHONHASHSEED=str(seed), TZ=ZONES[seed % 3], LC_ALL=LANGUAGES[seed % 4])
        for seed in range(10)
    }

    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) > 50


@pytest.mark.parametrize("recording", ["shop-default"], indirect=True)
def test_the_size_of_reads_does_not_show(recording, analyze) -> None:
    feed = min((path.read_bytes() for path in (recording.folder / "pods").iterdir()), key=len)

    outputs = {analyze(feed=feed, size=size) for size in (7, 4096, len(feed))}

    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) > 2
