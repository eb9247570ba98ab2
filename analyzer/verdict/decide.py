"""One question to one decision: the source's redirect, its outbound side, the gateway's, the server's inbound side."""

from __future__ import annotations

from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.decision import Decision
from analyzer.verdict.question import Question


def decide(mesh: MeshSnapshot, question: Question) -> Decision:
    """Where the mesh sends the call of ``question``, and why."""
    raise NotImplementedError((mesh, question))
