"""``whatif`` held against ``route``: what is changed, what is compared, and a sample over this repository's shops."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_paths
from analyzer.verdict.calls_file import parse_calls
from analyzer.verdict.compare import ending_of
from analyzer.verdict.decide import decide

ROOT = Path(__file__).resolve().parents[2]
SHOPS = sorted(path.parent for path in (ROOT / "captures").glob("shop-*/mesh"))
PROTOCOLS = {"http/1.1": "http", "http/1.0": "http/1.0", "h2": "http2", "tls": "tcp", "tcp": "tcp"}

TEXT = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  nodeName: n
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: web
spec:
  hosts:
  - web.example.com
  http:
  - route:
    - destination:
        host: "web"
        port:
          number: 80
    timeout: {}
  mode: STRICT
"""


@pytest.fixture
def changes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import whatif_changes

    return whatif_changes


def test_a_change_is_one_line_of_what_teams_write(changes) -> None:
    found = changes.changes_of(TEXT, "seed", 99)

    assert {(each.line, each.new.strip()) for each in found} == {
        (10, "name: webx"),
        (13, "- web.example.comx"),
        (17, 'host: "webx"'),
        (19, "number: 81"),
        (21, "mode: PERMISSIVE"),
    }
    for each in found:
        different = [
            n for n, (a, b) in enumerate(zip(TEXT.split("\n"), each.text.split("\n"), strict=True), 1) if a != b
        ]
        assert different == [each.line]


def test_the_same_seed_gives_the_same_changes(changes) -> None:
    assert changes.changes_of(TEXT, "a", 3) == changes.changes_of(TEXT, "a", 3)
    assert len(changes.changes_of(TEXT, "a", 2)) == 2


def test_a_world_without_captures_is_not_compared(changes, tmp_path) -> None:
    assert changes.compare_world(tmp_path, 3) == []


def world_of(shop: Path, folder: Path) -> Path:
    """The shop as a recorded world: its calls as questions, but for those that a header decides: no record has it."""
    mesh = load_mesh([shop / "mesh"])
    calls, truths = [], []
    for call in analyze_paths([str(shop / "pods")], mesh).calls:
        if call.pod is None:
            continue
        asked = {
            "name": call.id, "source": call.pod, "address": call.server.ip, "port": call.server.port,
            "protocol": PROTOCOLS[call.protocol], "host": call.host, "path": call.path, "method": call.method,
            "sni": call.sni, "alpn": list(call.alpn), "tls": "tls" if call.protocol == "tls" else "plaintext",
        }  # fmt: skip
        line = json.dumps({key: value for key, value in asked.items() if value})
        (question,) = parse_calls(line.encode(), file="calls.jsonl")
        ends = [replace(ending_of(d), reason="") for d in (decide(mesh, question.question), call.decision)]
        if ends[0] == ends[1]:
            calls.append(line)
            truths.append(json.dumps({"name": call.id, "client": str(call.client), "request": call.request}))
    shutil.copytree(shop / "mesh", folder / "mesh")
    shutil.copytree(shop / "pods", folder / "pods")
    (folder / "calls.jsonl").write_text("\n".join(calls))
    (folder / "truth.jsonl").write_text("\n".join(truths))
    return folder


@pytest.mark.parametrize("shop", SHOPS, ids=lambda path: path.name)
def test_nothing_moves_to_the_same_mesh_and_each_change_moves_what_route_says(changes, shop: Path, tmp_path) -> None:
    outcomes = changes.compare_world(world_of(shop, tmp_path / shop.name), 10)

    same, *changed = outcomes
    assert (same.expected, same.moved) == (frozenset(), frozenset())
    assert same.asked > 60
    assert len(changed) == 10
    assert [(each.change.line, each.change.new) for each in changed if not each.agrees] == []
    assert any(each.moved for each in changed)
