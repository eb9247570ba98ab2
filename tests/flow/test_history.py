"""What happened on a connection, in Zeek's letters."""

C, S = 0, 1


def history(wire) -> str:
    return wire.connection().history


def test_an_ordinary_connection(wire) -> None:
    wire.talk().open().ask(b"ping").send(S, "A").answer(b"pong").send(C, "A").close()

    assert history(wire) == "ShADadFf"


def test_each_letter_stands_once_for_each_end(wire) -> None:
    wire.talk().open().ask(b"a").ask(b"b").answer(b"c").answer(b"d")

    assert history(wire) == "ShADd"


def test_a_reset(wire) -> None:
    wire.talk().open().send(S, "R")

    assert history(wire) == "ShAr"


def test_a_reset_out_of_the_window_is_not_noted(wire) -> None:
    wire.talk().open().send(S, "R", seq=900_000)

    assert history(wire) == "ShA"


def test_a_packet_that_both_closes_and_resets(wire) -> None:
    wire.talk().open().send(C, "FR")

    assert history(wire) == "ShAI"


def test_a_packet_that_both_opens_and_closes(wire) -> None:
    wire.talk().send(C, "SF")

    assert history(wire) == "Q"


def test_a_fin_with_payload_is_both(wire) -> None:
    wire.talk().open().send(C, "FA", b"bye")

    assert history(wire) == "ShADF"


def test_a_retransmission(wire) -> None:
    wire.talk().open().ask(b"ping").ask(b"ping", seq=1001)

    assert history(wire) == "ShADT"


def test_retransmissions_are_noted_at_powers_of_ten(wire) -> None:
    talk = wire.talk().open().ask(b"ping")
    for _ in range(99):
        talk.ask(b"ping", seq=1001)

    assert history(wire) == "ShADTT"


def test_a_closed_window(wire) -> None:
    wire.talk().open().send(S, "A", window=0)

    assert history(wire) == "ShAaw"


def test_a_gap_is_noted_where_bytes_come_after_it(wire) -> None:
    wire.talk().open().ask(b"a").ask(b"lost", skip=True).answer(b"x").ask(b"b")

    assert history(wire) == "ShADdG"


def test_a_connection_that_the_server_was_seen_first_on_is_flipped(wire) -> None:
    wire.talk().send(C, "S", skip=True).send(S, "SA").send(C, "A")

    assert history(wire) == "^hA"


def test_both_halves_of_a_redirected_connection_make_one_history(wire) -> None:
    wire.talk("10.0.0.1:40000", "10.96.0.11:80", towards="127.0.0.1:15001").open().ask(b"ping").answer(b"pong").close()

    assert history(wire) == "ShADdFf"
