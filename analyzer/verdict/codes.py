"""Every reason and every gap in the evidence that a call can carry, by name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache

from analyzer.base.oddity import Code

# The modules that define such codes, those that every run imports first; a test finds one that is missing here.
_WITH_CODES = (
    "analyzer.verdict.reasons",
    "analyzer.verdict.inbound",
    "analyzer.verdict.inbound_policy",
    "analyzer.verdict.inbound_question",
    "analyzer.verdict.out_of_scope",
    "analyzer.verdict.decide",
    "analyzer.verdict.asking",
    "analyzer.verdict.caveats",
    "analyzer.verdict.settings",
    "analyzer.mesh.redirect",
    "analyzer.protocol.notes",
    "analyzer.verdict.gateway",
    "analyzer.verdict.gateway_path",
    "analyzer.verdict.dumped_inbound",
)


@cache
def _codes_of(module: str) -> Mapping[str, Code]:
    return {code.name: code for code in vars(importlib.import_module(module)).values() if isinstance(code, Code)}


class _Codes(Mapping[str, Code]):
    """The codes by name; to look one up imports modules only as far as the one that defines it."""

    def __getitem__(self, name: str) -> Code:
        for module in _WITH_CODES:
            if name in _codes_of(module):
                return _codes_of(module)[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for module in _WITH_CODES for name in _codes_of(module)})

    def __len__(self) -> int:
        return len(list(iter(self)))


CODES: Mapping[str, Code] = _Codes()
