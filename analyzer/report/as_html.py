"""A run as one HTML file that loads nothing: readable without JavaScript, inert whatever was captured.

Everything placed by a template goes through ``visible`` and then HTML escaping. The one style and the one script are
allowed by their hashes (CSP level 3, section 6.7.2); nothing else may load, run or be sent.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from analyzer.base.escape import ELLIPSIS, shorten, visible
from analyzer.base.oddity import Code
from analyzer.report.as_svg import svg_lines
from analyzer.report.filter_data import filter_data
from analyzer.report.private import redact_analysis
from analyzer.report.row_data import row_data
from analyzer.report.view import PageView, page_view
from analyzer.verdict.record import Analysis
from analyzer.verdict.sheets import Sheets

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = (
    "report.html",
    "call.html",
    "findings.html",
    "graph.html",
    "journeys.html",
    "macros.html",
    "method.html",
    "mtls.html",
    "names.html",
    "timeline.html",
)
# What is shown of one string and of one sentence, however long they are.
SHOWN_LENGTH = 400
PROSE_LENGTH = 2000


def render_html(
    analysis: Analysis,
    *,
    codes: Iterable[Code] = (),
    yaml_lines: Mapping[str, str] | None = None,
    redact: bool = True,
    sheets: Sheets | None = None,
) -> bytes:
    """The page. ``codes`` explain reasons and what is missing; ``yaml_lines`` maps ``file:line`` to the line's text.

    ``sheets`` add journeys, names and mutual TLS, for which a run alone does not suffice. The same run gives the same
    bytes.
    """
    shown = redact_analysis(analysis) if redact else analysis
    view = page_view(shown, codes=codes, yaml_lines=yaml_lines or {}, redacted=redact, sheets=sheets)
    return _render(view).encode()


def _render(view: PageView) -> str:
    from markupsafe import Markup

    style, script = _resource("report.css"), _resource("filter.js") + _resource("report.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    template = _environment().get_template("report.html")
    picture = "\n".join(svg_lines(view.sections.graph.graph))
    return template.render(
        page=view,
        policy=policy,
        style=Markup(style),
        script=Markup(script),
        picture=Markup(picture),
        data=Markup(row_data(view.bare_rows)),
        fields=Markup(_fields(view)),
    )


def _fields(view: PageView) -> str:
    """What the filter box may ask of the rows; empty where there are too many calls for that."""
    facts = [row.facts for row in (*view.rows, *view.bare_rows)]
    return filter_data(facts) if any(facts) else ""


def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader({name: _resource(name) for name in TEMPLATES}),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(middle=_middle, prose=_prose)
    return environment


def _shown(value: object) -> object:
    """A string that holds no control and is not endless; markup of our own passes, as do numbers."""
    return shorten(visible(value), SHOWN_LENGTH) if type(value) is str else value


def _middle(text: str, length: int) -> str:
    """``text`` made visible, with an ellipsis in its middle where it is longer than ``length``."""
    shown = visible(text)
    keep = (length - 1) // 2
    return shown if len(shown) <= length else f"{shown[:keep]}{ELLIPSIS}{shown[keep + 1 - length :]}"


def _prose(text: str) -> Markup:
    """A sentence with what stands between backticks as code; a backtick without its twin stays a backtick."""
    from markupsafe import Markup, escape

    pieces = shorten(visible(text), PROSE_LENGTH).split("`")
    if len(pieces) % 2 == 0:
        return escape("`".join(pieces))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if i % 2 else escape(piece) for i, piece in enumerate(pieces)
    )


def _resource(name: str) -> str:
    return files("analyzer.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
