"""Every reason and every gap in the evidence that a call can carry, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.base.oddity import Code
from analyzer.mesh import redirect
from analyzer.protocol import notes
from analyzer.verdict import (
    asking,
    caveats,
    dumped_inbound,
    gateway,
    gateway_path,
    inbound,
    inbound_policy,
    inbound_question,
    reasons,
)

# The modules that define such codes; a test finds one that is missing here.
_WITH_CODES = (
    notes,
    redirect,
    reasons,
    inbound,
    inbound_policy,
    inbound_question,
    gateway,
    gateway_path,
    asking,
    caveats,
    dumped_inbound,
)


CODES: Mapping[str, Code] = MappingProxyType(
    {value.name: value for module in _WITH_CODES for value in vars(module).values() if isinstance(value, Code)}
)
