"""The page loads nothing, runs nothing but its own script, and shows what was captured without obeying it."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.report.as_html import render_html
from analyzer.verdict.mtls import MtlsSheet, SecuredEdge
from analyzer.verdict.names import OutsideName
from analyzer.verdict.sheets import Sheets

ELEMENTS = {
    "html", "head", "meta", "link", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "h4", "nav",
    "main", "section", "article", "div", "span", "code", "b", "ul", "ol", "li", "dl", "dt", "dd", "table",
    "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "svg", "line", "rect", "path",
    "circle", "text", "tspan", "label", "input", "button", "script", "g", "pre", "br", "noscript",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "id", "aria-label",
    "aria-labelledby", "aria-hidden", "aria-pressed", "role", "scope", "colspan", "viewbox", "width", "height",
    "preserveaspectratio", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "d", "data-verdict", "data-calls",
    "data-sort", "hidden", "for", "type", "autocomplete", "spellcheck", "placeholder", "tabindex", "xmlns",
    "font-family", "font-size", "fill", "stroke", "stroke-width", "paint-order", "text-anchor", "rx",
}  # fmt: skip


class Outline(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.links, self.texts, self.content = set(), set(), [], [], {}
        self._open = None
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("href", "src")]
        self._open = tag

    def handle_data(self, data):
        self.texts.append(data)
        if self._open in ("style", "script") and data.strip():
            self.content[self._open] = data

    def handle_endtag(self, _tag):
        self._open = None


@pytest.mark.parametrize("run", ["shop", "hostile", "bare", "empty"])
def test_nothing_that_was_captured_becomes_an_element_or_an_attribute(run, request, codes):
    outline = Outline(render_html(request.getfixturevalue(run), codes=codes))
    assert outline.elements <= ELEMENTS
    assert outline.attributes <= ATTRIBUTES


def test_nothing_of_the_sheets_becomes_an_element_or_an_attribute(sheeted, hostile_names, codes):
    analysis, sheets = sheeted
    names = tuple(
        OutsideName(name, name, "host", 80, name, name, (name,), False, (name,), (PacketPlace(name, 1),), 0)
        for name in hostile_names
    )
    edges = tuple(
        SecuredEdge(name, name, 80, ((), (), (PacketPlace(name, 1),), ()), inside=True) for name in hostile_names
    )
    page = render_html(analysis, codes=codes, sheets=Sheets(MtlsSheet(edges), names, sheets.passages, sheets.joined))
    outline = Outline(page)
    assert outline.elements <= ELEMENTS
    assert outline.attributes <= ATTRIBUTES
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]", page.decode())


def test_hostile_names_are_there_to_be_read(hostile):
    text = "".join(Outline(render_html(hostile)).texts)
    for name in (
        "<script>alert(1)</script>",
        "{{7*7}}${7*7}#{7*7}<%=7*7%>",
        r"\x1b]0;pwned\x07",
        r"\u202egnp.exe",
        "<!--",
    ):
        assert name in text


def test_no_control_or_bidi_character_stands_raw(hostile):
    page = render_html(hostile).decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]", page)


def test_links_stay_inside_the_page(hostile, shop):
    for run in (hostile, shop):
        assert all(link.startswith("#") or link == "data:," for link in Outline(render_html(run)).links)


def test_a_link_of_a_finding_has_its_target(shop):
    page = render_html(shop).decode()
    for anchor in re.findall(r'href="#(\w+)"', page):
        assert f'id="{anchor}"' in page


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(shop):
    page = render_html(shop)
    content = Outline(page).content
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.decode())[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none';")
    for kind in ("style", "script"):
        digest = b64encode(sha256(content[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_every_call_has_its_chain_in_the_page_without_any_script(shop):
    text = "".join(Outline(render_html(shop)).texts)
    for call in shop.calls[:10]:
        for step in call.decision.steps:
            assert step.sentence in text
    assert "mesh/routes.yaml:52" in text


def test_backticks_of_advice_become_code(shop, codes):
    page = render_html(shop, codes=codes).decode()
    assert "Compare with <code>istioctl proxy-config routes</code>." in page


def test_a_backtick_without_its_twin_stays_text(hostile):
    assert "`x`|[x](javascript:alert(1))|" in "".join(Outline(render_html(hostile)).texts)


def test_secrets_are_shown_only_to_who_asks(shop):
    assert b"CANARY" not in render_html(shop)
    assert b"CANARY" in render_html(shop, redact=False)


def test_the_same_run_gives_the_same_bytes(shop, codes):
    assert render_html(shop, codes=codes) == render_html(shop, codes=codes)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_every_colour_of_text_is_readable_on_both_grounds(empty, scheme):
    style = Outline(render_html(empty)).content["style"]
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    schemes = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]
    colours = {**schemes[0], **schemes[scheme]}
    inks = [colour for name, colour in colours.items() if name not in ("paper", "panel", "line")]
    assert min(contrast(ink, colours[ground]) for ink in inks for ground in ("paper", "panel")) >= 4.5


def test_a_page_of_ten_thousand_calls_of_which_no_two_share_a_row_is_under_five_megabytes(many, codes):
    run = many(10_000)
    calls = tuple(
        replace(
            call, host=f"service-{n % 900}.ns-{n % 7}.svc.cluster.local", path=f"/api/item/{n}", pod=f"ns/client-{n}"
        )
        for n, call in enumerate(run.calls)
    )

    page = render_html(replace(run, calls=calls), codes=codes)

    assert len(page) < 5_000_000
    assert b'"left":0}' in page
