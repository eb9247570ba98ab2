"""Claims in the names of header matchers."""

from __future__ import annotations

import pytest

from analyzer.mesh.outbound.claims import claim_matches, claim_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("@request.auth.claims.admin", ("admin",)),
        ("@request.auth.claims.group.id", ("group", "id")),
        ("@request.auth.claims[https://me/x][id]", ("https://me/x", "id")),
        ("@Request.Auth.Claims[Admin]", ("Admin",)),
        ("@request.auth.claims", ()),
        ("@request.auth.claims[]", ()),
        ("x-user", ()),
    ],
)
def test_a_claim_is_named_with_dots_or_brackets(name: str, path: tuple[str, ...]) -> None:
    assert claim_path(name) == path


@pytest.mark.parametrize(
    ("path", "holds"),
    [(("a",), True), (("list",), True), (("n", "m"), True), (("n",), False), (("a", "b"), False), (("number",), False)],
)
def test_a_text_or_one_of_a_list_is_compared(path: tuple[str, ...], holds: bool) -> None:
    claims = {"a": "x", "list": ["y", "x"], "n": {"m": "x"}, "number": 7}
    assert claim_matches(path, lambda text: text == "x", claims) is holds
