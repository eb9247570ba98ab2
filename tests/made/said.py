"""Connections in their roles, and the first call on them."""

from __future__ import annotations

from analyzer.verdict.call import Call, calls_of
from analyzer.verdict.roles import Role, Said
from made.talk import Talk


def apps(*talks: Talk) -> list[Said]:
    return [t.said(Role.APP) for t in talks]


def ups(*talks: Talk) -> list[Said]:
    return [t.said(Role.UPSTREAM) for t in talks]


def deliveries(*talks: Talk) -> list[Said]:
    return [t.said(Role.DELIVERY) for t in talks]


def first_call(said: Said) -> Call:
    return calls_of(said)[0]
