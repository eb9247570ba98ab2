"""Captures and YAML under pseudonyms are judged as before, or are not given away."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.errors import MeshError
from analyzer.redacting import redact_paths

KEY = b"k" * 32
DENIED = """
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: istio-system}
spec: {action: DENY, rules: [{from: [{source: {ipBlocks: [10.244.1.8/29]}}]}]}
"""
SHOP = Path(__file__).resolve().parents[1] / "captures" / "shop-strict"


def redact(captures: Path | str, mesh: Path = SHOP / "mesh", key: bytes = KEY):
    return redact_paths([str(captures)], [str(mesh)], key)


@pytest.fixture(scope="module")
def shop():
    """The whole recording, redacted once."""
    return redact(SHOP / "pods")


def test_every_verdict_of_a_recording_stays(shop) -> None:
    assert (shop.differing, shop.errors) == ((), ())
    assert shop.calls == 79
    assert 0 < shop.dropped < shop.packets


@pytest.mark.parametrize("word", [b"frontend", b"sleep", b"reviews", b"legacy", b"monitoring", b"10.244.1.1", b"wild"])
def test_no_name_of_the_mesh_is_left(shop, word) -> None:
    assert [name for name, data in shop.files if word in data.lower() or word.decode() in name] == []


def test_the_same_key_gives_the_same_bytes_and_another_one_others(shop) -> None:
    one = redact(SHOP / "pods" / "legacy_naked-0.any.pcap")

    assert dict(one.files).items() <= dict(shop.files).items()
    assert redact(SHOP / "pods" / "legacy_naked-0.any.pcap", key=b"x" * 32).files != one.files


def test_a_verdict_that_would_change_is_told(tmp_path) -> None:
    """A prefix of 29 bits holds other addresses afterwards."""
    (tmp_path / "mesh.yaml").write_text((SHOP / "mesh" / "manifests.yaml").read_text() + DENIED)

    assert redact(SHOP / "pods" / "shop_sleep-0.any.pcap", tmp_path / "mesh.yaml").differing


def test_a_capture_that_cannot_be_read_is_told(tmp_path) -> None:
    (tmp_path / "notes.pcap").write_text("only notes, long enough to be something else than a capture")

    redaction = redact(tmp_path / "notes.pcap")

    assert (len(redaction.errors), redaction.packets) == (1, 0)


def test_yaml_that_cannot_be_read_ends_it(tmp_path) -> None:
    with pytest.raises(MeshError, match=r"gone\.yaml"):
        redact(SHOP / "pods", tmp_path / "gone.yaml")
