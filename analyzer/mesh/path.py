"""Path normalisation, as Envoy does it before routing and policies (MeshConfig ``pathNormalization``)."""

from __future__ import annotations

import re
from functools import lru_cache

NONE = "NONE"
BASE = "BASE"
MERGE_SLASHES = "MERGE_SLASHES"
DECODE_AND_MERGE_SLASHES = "DECODE_AND_MERGE_SLASHES"

# RFC 3986 section 2.3: what a percent-encoding of is decoded; all other encodings stay as they are.
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Characters that googleurl's path canonicalisation encodes (url_canon_path.cc).
_ENCODED = frozenset(' "<>`{}^|')
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
# What stands before the path of an absolute-form target (RFC 9112 section 3.2.2) that Envoy takes.
_SCHEME_AND_AUTHORITY = re.compile(r"(https?)://([^/?#]*)", re.IGNORECASE)
_ENCODING = re.compile(r"%([0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(r"%(2[Ff]|5[Cc])")
_SLASHES = re.compile(r"/{2,}")


def is_refused_path(target: str, policy: str = BASE) -> bool:
    """Whether Envoy answers 400 for a target's path: it has a fragment, or is normalised and has an encoded NUL.

    Envoy's ConnectionManagerUtility::maybeNormalizePath; googleurl's CanonicalizePath.
    """
    return "#" in target or (policy != NONE and "%00" in target.partition("?")[0])


def split_target(target: str) -> tuple[str, str, str] | None:
    """Scheme in lower case, authority and path of an absolute-form target; None of any other.

    So Envoy's HTTP/1 codec has it (``handlePath``): the authority counts as the Host, and the scheme as told.
    """
    found = _SCHEME_AND_AUTHORITY.match(target)
    if found is None:
        return None
    path = target[found.end() :]
    return found[1].lower(), found[2], path if path.startswith("/") else f"/{path}"


@lru_cache(maxsize=65536)
def normalize_path(target: str, policy: str = BASE) -> str:
    """The request target after normalisation; the query stays as it is, an absolute-form target loses its authority.

    BASE resolves dot segments, decodes unreserved characters and turns backslashes; MERGE_SLASHES merges slashes too;
    DECODE_AND_MERGE_SLASHES also decodes encoded slashes first. NONE only takes the authority off.
    """
    target = _ABSOLUTE.sub("", target, count=1) if _ABSOLUTE.match(target) else target
    path, question, query = target.partition("?")
    if path != "*" and not path.startswith("/"):
        path = f"/{path}"
    if policy == NONE or path == "*":
        return path + question + query
    if policy == DECODE_AND_MERGE_SLASHES:
        path = _ENCODED_SLASH.sub(lambda found: "/" if found[1].upper() == "2F" else "\\", path)
    path = _without_dots(_encoded(_ENCODING.sub(_decoded, path.replace("\\", "/"))))
    if policy in (MERGE_SLASHES, DECODE_AND_MERGE_SLASHES):
        path = _SLASHES.sub("/", path)
    return path + question + query


def _decoded(found: re.Match[str]) -> str:
    value = int(found[1], 16)
    return chr(value) if value in _UNRESERVED else found[0]


def _encoded(path: str) -> str:
    if path.isascii() and not any(each in _ENCODED for each in path):
        return path
    # Heads are latin-1 text, one character a byte.
    return "".join(f"%{ord(each):02X}" if each in _ENCODED or ord(each) > 126 else each for each in path)


def _without_dots(path: str) -> str:
    """Dot segments resolved as in RFC 3986 section 5.2.4; empty segments stay."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
