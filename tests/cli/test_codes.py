"""``meshverdict codes``: what a reason, a finding or an oddity means."""

from __future__ import annotations

from analyzer.pipeline import all_codes


def test_all_codes_are_listed(cli) -> None:
    answer = cli("codes")

    assert (answer.code, answer.err) == (0, "")
    assert [code.name for code in all_codes() if code.name not in answer.out] == []


def test_a_code_is_explained_with_what_to_do_about_it(cli) -> None:
    answer = cli("codes", "no-mesh")

    assert answer.code == 0
    assert "kubectl get" in answer.out


def test_several_codes_come_in_the_order_in_which_they_are_asked_for(cli) -> None:
    told = cli("codes", "source-unknown", "no-mesh").out

    assert told.index("source-unknown") < told.index("no-mesh")


def test_the_page_is_written_in_markdown(cli) -> None:
    assert cli("codes", "-o", "markdown").out.startswith("# ")


def test_a_name_that_is_no_code_is_a_matter_of_usage(cli) -> None:
    answer = cli("codes", "no-mesh", "unheard-of")

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "meshverdict: codes: found 'unheard-of', which is no code; `meshverdict codes` lists all\n"


def test_the_list_may_go_to_a_file(cli, tmp_path) -> None:
    path = tmp_path / "codes.txt"

    assert cli("codes", "--out", path).out == ""
    assert "no-mesh" in path.read_text()
