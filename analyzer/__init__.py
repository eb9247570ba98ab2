"""Where the mesh sent every call of a capture, and why.

The rooms, in the order in which data walks through them: ``base`` (nouns), ``capture`` (bytes to packets as columns),
``flow`` (packets to connections and streams), ``protocol`` (streams to what was said), ``mesh`` (YAML to what each
Envoy would be told), ``verdict`` (both to judgement), ``report`` (judgement to something to read), ``pipeline`` (the
conductor), ``notebook`` (the library) and ``cli``.

The library's names are here: ``load_mesh``, ``analyze``, ``route``, ``load_run``, ``compare``, ``write_report``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.notebook import Run, analyze, compare, load_mesh, load_run, route, write_report

__all__ = ["Run", "analyze", "compare", "load_mesh", "load_run", "route", "write_report"]


def __getattr__(name: str) -> Any:
    """The library's names on first use, so that importing one room does not import all."""
    if name not in __all__:
        raise AttributeError(f"module 'analyzer' has no attribute {name!r}")
    from analyzer import notebook

    return getattr(notebook, name)
