"""Secrets in what was sent, replaced by ``[redacted]``: userinfo, tokens in queries and paths, headers of credentials.

Pure text to text and idempotent: redacting twice changes nothing more. What names or shapes mean a secret is data.
Every pattern is bounded, so that 64 KiB of anything costs linear time.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from urllib.parse import unquote

REDACTED = "[redacted]"

# Headers whose whole value is a credential, lower case (RFC 9110 sections 11.6 and 11.7, RFC 6265, and custom).
SECRET_HEADERS = frozenset(
    {
        "authorization", "proxy-authorization", "cookie", "set-cookie", "cookie2", "x-api-key", "api-key",
        "apikey", "x-auth-token", "x-auth-key", "x-access-token", "x-csrf-token", "x-xsrf-token",
        "x-amz-security-token", "x-vault-token", "x-gitlab-token", "private-token", "x-goog-api-key",
        "x-forwarded-access-token", "x-hub-signature", "x-hub-signature-256", "x-client-secret",
        "x-forwarded-client-cert",
    }
)  # fmt: skip
# Query parameters that are credentials, lower case and without separators.
SECRET_PARAMETERS = frozenset(
    {
        "accesskey", "accesskeyid", "apikey", "assertion", "auth", "authkey", "authorization",
        "awsaccesskeyid", "bearer", "clientassertion", "codeverifier", "credential", "credentials", "csrf",
        "deploykey", "jsessionid", "jwt", "key", "oauthverifier", "otp", "pass", "passcode", "passwd",
        "password", "phpsessid", "pin", "privatekey", "pwd", "saml", "samlrequest", "samlresponse", "secret",
        "secretkey", "session", "sessionid", "sessionkey", "sid", "sig", "sign", "signature", "ssoticket",
        "subscriptionkey", "ticket", "token", "xsrf",
    }
)  # fmt: skip
# Endings that make a longer parameter a credential: `id_token`, `client_secret`, `X-Amz-Signature`.
SECRET_ENDINGS = ("token", "secret", "password", "passwd", "apikey", "signature", "credential", "privatekey")
# Shapes that are tokens wherever they stand: JWT (RFC 7519), then issuers' documented prefixes.
TOKEN_SHAPES = (
    r"eyJ[A-Za-z0-9_-]{6,2048}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?",
    r"gh[oprsu]_[A-Za-z0-9]{16,}",
    r"github_pat_\w{16,}",
    r"glpat-[\w-]{16,}",
    r"xox[abeoprs]-[\w-]{8,}",
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{8,}",
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    r"AIza[\w-]{30,}",
    r"ya29\.[\w-]{8,}",
    r"hv[bs]\.[\w-]{8,}",
    r"npm_[A-Za-z0-9]{30,}",
    r"SG\.[\w-]{16,}\.[\w-]{16,}",
)
# Path segments after which the next one is a credential: `/reset/TOKEN`, `/api/webhooks/ID/TOKEN` is a shape below.
SECRET_SEGMENTS = (
    "access_token|apikey|api[-_]key|invite|jwt|magic[-_]?link|password|password[-_]reset|reset|reset[-_]password|"
    "secret|secrets|session|sessions|token|tokens|unsubscribe|verify"
)
# A path segment is taken for a credential only when it looks like one: 12 characters or more, a digit among them.
_OPAQUE = r"(?=[^/?#]*\d)[\w.~%+=:-]{12,}"

_SHAPE = re.compile(r"(?<![A-Za-z0-9_])(?:" + "|".join(TOKEN_SHAPES) + ")")
_BOT_PATH = re.compile(r"(/bot\d{3,}(?::|%3[Aa]))[\w-]{8,}")
_WEBHOOK_PATH = re.compile(r"((?:/api/webhooks/\d+|/services/T\w+/B\w+)/)[\w-]{8,}")
_SEGMENT_PATH = re.compile(rf"(/(?:{SECRET_SEGMENTS})/){_OPAQUE}", re.IGNORECASE)
_USERINFO = re.compile(r"(^|[A-Za-z][A-Za-z0-9+.-]{0,15}://)[^/?#\s]+@")
_PARAMETER = re.compile(r"([?&;#]|^)([^?&;#=\s/\"',]{1,64})=([^?&;#\s\"',]+)")
_SEPARATORS = str.maketrans("", "", "-_.[] +")
# Whatever is redacted below has one of these, and most texts have none: they are left alone without another look.
_SIGNS = ("@", "=", "/bot", "/api/webhooks/", "/services/T")
_TOKEN_SIGNS = (
    "eyJ", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-", "xox", "k_live_", "k_test_", "AKIA", "ASIA",
    "AIza", "ya29.", "hvb.", "hvs.", "npm_", "SG.",
)  # fmt: skip
_RUN_SIGNS, _RUN_LEN = ".~%+=:-", 12
_LONG_RUN = re.compile(rf"[\w{_RUN_SIGNS}]{{{_RUN_LEN}}}")
_LONG_SEGMENT = re.compile("/" + _LONG_RUN.pattern)
# The same for ASCII: what such a run is made of becomes one byte.
_RUN = b"a" * _RUN_LEN
_RUN_BYTES = (string.ascii_letters + string.digits + "_" + _RUN_SIGNS).encode()
_AS_RUNS = bytes.maketrans(_RUN_BYTES, _RUN[:1] * len(_RUN_BYTES))


@lru_cache(maxsize=1024)
def is_secret_parameter(name: str) -> bool:
    """Whether a query parameter of that name is a credential; case, separators and percent-escapes do not count."""
    plain = unquote(name, errors="replace").lower().translate(_SEPARATORS)
    return plain in SECRET_PARAMETERS or plain.endswith(SECRET_ENDINGS)


def _redact_parameter(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}={REDACTED}" if is_secret_parameter(match[2]) else match[0]


@lru_cache(maxsize=1024)
def redact_target(path: str) -> str:
    """A request target (RFC 9112 section 3.2, any form) without its secrets; the rest stays byte for byte.

    Redacts userinfo of an absolute form, values of secret parameters in query, fragment and path parameters, tokens of
    known shapes, and segments after such as ``/reset/``. The authority form of CONNECT loses its userinfo as well.
    """
    if shows_no_secret(path):
        return path
    text = _USERINFO.sub(rf"\1{REDACTED}@", path) if "@" in path else path
    if "=" in text:
        text = _PARAMETER.sub(_redact_parameter, text)
    text = _BOT_PATH.sub(rf"\1{REDACTED}", text)
    text = _WEBHOOK_PATH.sub(rf"\1{REDACTED}", text)
    text = _SEGMENT_PATH.sub(rf"\1{REDACTED}", text)
    return _SHAPE.sub(REDACTED, text)


def shows_no_secret(text: str) -> bool:
    """Whether a text certainly stays as it is; cheap, and no for some that stay."""
    if any(map(text.__contains__, _SIGNS)):
        return False
    if not _has_long_run(text):
        return True
    return not any(map(text.__contains__, _TOKEN_SIGNS)) and _LONG_SEGMENT.search(text) is None


def _has_long_run(text: str) -> bool:
    """Whether ``_LONG_RUN`` is somewhere in a text; of many plain targets in a tenth of its time."""
    if text.isascii():
        return _RUN in text.encode().translate(_AS_RUNS)
    return _LONG_RUN.search(text) is not None


@lru_cache(maxsize=1024)
def redact_host(host: str) -> str:
    """A Host, ``:authority`` or SNI without its userinfo (all before the last ``@``) and without token shapes."""
    userinfo, at, name = host.rpartition("@")
    return (f"{REDACTED}@" if userinfo else at) + _SHAPE.sub(REDACTED, name)


def redact_header(name: str, value: str) -> str:
    """A header's value without its secrets; ``name`` in any case. Credentials go whole, URLs as ``redact_target``."""
    lower = name.lower()
    if lower in SECRET_HEADERS or lower.endswith(SECRET_ENDINGS):
        return REDACTED
    if lower in ("host", ":authority"):
        return redact_host(value)
    return redact_target(value)


_WORD = re.compile(r"[^\s\"'`()<>]+")


@lru_cache(maxsize=1024)
def redact_text(text: str) -> str:
    """A sentence of ours that may quote what was sent: each word is redacted as a target would be."""
    if shows_no_secret(text):
        return text
    return _SHAPE.sub(REDACTED, _WORD.sub(lambda match: redact_target(match[0]), text))


# What strict redaction leaves of a path: words, and versions of an API.
_PLAIN_SEGMENT = re.compile(r"[A-Za-z][A-Za-z._-]{0,31}|v\d{1,2}|")
_TARGET = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15}://[^/?#]*)?(/[^?#]*)?([?#].*)?", re.DOTALL)
_TARGET_WORD = re.compile(r"(?<![^\s\"'`(<])(?:/|[A-Za-z][A-Za-z0-9+.-]{0,15}://)[^\s\"'`()<>]+")


@lru_cache(maxsize=1024)
def reduce_target(target: str) -> str:
    """A request target of which only plain words are left: no query, no fragment, no segment that may name a person.

    Secrets go as from ``redact_target``; what is no path (an authority, ``*``) stays else as it is. Idempotent.
    """
    text = redact_target(target)
    match = _TARGET.fullmatch(text)
    if match is None:
        return text
    origin, path, rest = (part or "" for part in match.groups())
    segments = (each if _PLAIN_SEGMENT.fullmatch(each) else REDACTED for each in path.split("/"))
    return origin + "/".join(segments) + (f"{rest[0]}{REDACTED}" if rest else "")


@lru_cache(maxsize=1024)
def reduce_text(text: str) -> str:
    """A sentence of ours in which every path and URL is reduced; the rest goes as from ``redact_text``."""
    return _TARGET_WORD.sub(lambda match: reduce_target(match[0]), redact_text(text))
