from pathlib import Path

import pytest

from analyzer.base.spelling import hint, path_hint


def test_a_name_that_is_spelled_nearly_so_is_offered() -> None:
    assert hint("hots", ["port", "host"]) == "; is it 'host'?"


def test_case_alone_is_near_enough() -> None:
    assert hint("STRICT", ["strict", "STRICTER"]) == "; is it 'strict'?"


@pytest.mark.parametrize("known", [(), ("verdict",), ("hots",)])
def test_nothing_is_offered_where_nothing_is_near_or_nothing_is_wrong(known: tuple[str, ...]) -> None:
    assert hint("hots", known) == ""


def test_the_order_of_the_names_does_not_matter() -> None:
    assert hint("ab", ["abx", "aby"]) == hint("ab", ["aby", "abx"])


def test_a_path_is_compared_with_what_its_folder_has(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()

    assert path_hint(tmp_path / "deplo") == "; is it 'deploy'?"
    assert path_hint(tmp_path / "deplo" / "reviews.yaml") == "; is it 'deploy'?"
    assert path_hint(tmp_path / "captures") == ""


def test_a_path_below_a_file_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "mesh.yaml").write_text("")

    assert path_hint(tmp_path / "mesh.yaml" / "more") == ""
