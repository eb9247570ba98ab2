"""Every reason and every gap in the evidence that a call can carry, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.base.oddity import Code
from analyzer.protocol import notes
from analyzer.verdict import asking, reasons


def _codes_in(module: object) -> dict[str, Code]:
    return {value.name: value for value in vars(module).values() if isinstance(value, Code)}


CODES: Mapping[str, Code] = MappingProxyType(_codes_in(notes) | _codes_in(reasons) | _codes_in(asking))
