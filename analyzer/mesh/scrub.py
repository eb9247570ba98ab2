"""The mesh's YAML under pseudonyms: the text as it is, line for line, with other names and addresses in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from analyzer.base.oddity import Oddity
from analyzer.base.pseudonym import Pseudonyms
from analyzer.mesh.source import read_documents

# Fields whose values are words of an API, or of no one: what stands there names nobody.
_STRUCTURAL = frozenset(
    {
        "@type", "action", "apiVersion", "appProtocol", "context", "creationTimestamp", "group", "image", "kind",
        "location", "mesh", "meshNetworks", "mode", "operation", "phase", "protocol", "resolution", "resourceVersion",
        "type", "uid",
    }
)  # fmt: skip
_ISTIO_SETTING = "istio.io/"
_WORD = re.compile(r"[A-Za-z0-9]+")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
# A word that is, or ends, a key of a mapping.
_KEY = re.compile(r"[A-Za-z0-9_.$/@-]+(?=[\"']?[ \t]*:(?:[ \t]|$|[\"'{\[]))", re.MULTILINE)


def names_in(texts: Iterable[str], names: Pseudonyms) -> frozenset[str]:
    """The words of all values that may name something, in the documents of ``texts``."""
    oddities: list[Oddity] = []
    documents = (document for text in texts for document in read_documents(text, "", oddities))
    words = (word for document in documents for value in _values(document) for word in _WORD.findall(value))
    return frozenset(word for word in words if not names.keeps(word))


def scrub_yaml(text: str, known: frozenset[str], names: Pseudonyms) -> str:
    """A file with the ``known`` words and every address replaced; comments go, keys and the lines stay."""
    text = _COMMENT.sub("#", text)
    parts = []
    at = 0
    for key in _KEY.finditer(text):
        parts += [names.text(text[at : key.start()], known), key[0]]
        at = key.end()
    return "".join((*parts, names.text(text[at:], known)))


def _values(node: Any) -> Iterator[str]:
    """Every text below a node but for structural fields and Istio's own annotations."""
    stack = [node]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += [each for key, each in value.items() if key not in _STRUCTURAL and _ISTIO_SETTING not in str(key)]
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str):
            yield value
