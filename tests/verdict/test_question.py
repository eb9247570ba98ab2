"""The noun of a question."""

from analyzer.base.fact import replace
from analyzer.verdict.question import Question


def test_a_question_without_more_is_a_plain_get_to_the_root_through_the_own_sidecar() -> None:
    question = Question("shop", "sleep-0", address="10.96.0.11", port=9080)
    assert (question.direction, question.protocol, question.tls) == ("outbound", "http", "plaintext")
    assert (question.method, question.path, question.endpoint) == ("GET", "/", None)


def test_equal_questions_are_one_key_and_any_header_makes_another() -> None:
    question = Question("shop", "sleep-0", headers=(("x-user", "alice"),))
    assert len({question, replace(question), replace(question, headers=())}) == 2


def test_an_absolute_target_says_scheme_and_host() -> None:
    question = Question("shop")
    assert question.for_target("web", "HTTPS://other/a") == replace(question, scheme="https", host="other", path="/a")
    assert question.for_target("web", "/a") == replace(question, host="web", path="/a")
