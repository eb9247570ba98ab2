"""Calls of one kind on lo, of which some fit the mesh of the shop and some contradict it."""

from __future__ import annotations

from made.lo import Lo, get, ok

CLIENT, SERVER, HOST = "10.244.1.10", "10.96.0.11:9080", "frontend"
# A service answers, or Envoy by itself that there is no route.
ANSWERS = {"+": ok(), "-": ok(status="404 Not Found", passed_on=False)}


def calls_that_fit(words: str) -> Lo:
    """Connections, a word each: a call for each ``+`` (fits) and ``-`` (contradicts)."""
    lo = Lo()
    for number, word in enumerate(words.split()):
        talk = lo.talk(f"{CLIENT}:{40_000 + number}", SERVER).open()
        for place, mark in enumerate(word):
            talk.ask(get(f"/orders/{100 * number + place}", HOST)).answer(ANSWERS[mark])
        talk.close()
    return lo
