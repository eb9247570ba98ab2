"""How connections end, in Zeek's words."""

import pytest

from analyzer.flow.closing import Phase, conn_state

C, S = 0, 1


def state_of(wire) -> tuple[str, str | None, str | None]:
    found = wire.connection()
    return found.conn_state, found.closed_by, found.reset_by


def test_an_unanswered_syn_is_s0(wire) -> None:
    wire.talk().send(C, "S")

    assert state_of(wire) == ("S0", None, None)


def test_an_open_connection_is_s1(wire) -> None:
    wire.talk().open()

    assert state_of(wire) == ("S1", None, None)


def test_a_connection_that_both_closed_is_sf(wire) -> None:
    wire.talk().open().close()

    assert state_of(wire) == ("SF", "client", None)


def test_a_connection_that_only_the_client_closed_is_s2(wire) -> None:
    wire.talk().open().send(C, "FA").send(S, "A")

    assert state_of(wire) == ("S2", "client", None)


def test_a_connection_that_only_the_server_closed_is_s3(wire) -> None:
    wire.talk().open().send(S, "FA").send(C, "A")

    assert state_of(wire) == ("S3", "server", None)


def test_a_refused_connection_is_rej(wire) -> None:
    wire.talk().send(C, "S")
    wire.packet("10.0.0.2:80", "10.0.0.1:40000", "RA", seq=0, ack=1001)

    assert state_of(wire) == ("REJ", "server", "server")


def test_a_connection_that_the_client_reset_is_rsto(wire) -> None:
    wire.talk().open().send(C, "RA")

    assert state_of(wire) == ("RSTO", "client", "client")


def test_a_connection_that_the_server_reset_is_rstr(wire) -> None:
    wire.talk().open().send(S, "RA")

    assert state_of(wire) == ("RSTR", "server", "server")


def test_a_syn_and_a_reset_without_an_answer_are_rstos0(wire) -> None:
    wire.talk().send(C, "S").send(C, "R")

    assert state_of(wire)[0] == "RSTOS0"


def test_a_syn_ack_and_a_reset_without_a_syn_are_rstrh(wire) -> None:
    wire.talk().send(C, "S", skip=True).send(S, "SA").send(S, "R")

    assert state_of(wire)[0] == "RSTRH"


def test_a_syn_and_a_fin_without_an_answer_are_sh(wire) -> None:
    wire.talk().send(C, "S").send(C, "F")

    assert state_of(wire)[0] == "SH"


def test_a_syn_ack_and_a_fin_without_a_syn_are_shr(wire) -> None:
    wire.talk().send(C, "S", skip=True).send(S, "SA").send(S, "FA")

    assert state_of(wire)[0] == "SHR"


def test_a_late_beginning_is_oth(wire) -> None:
    wire.talk().ask(b"x").answer(b"y")

    assert state_of(wire)[0] == "OTH"


def test_a_syn_ack_alone_is_oth(wire) -> None:
    wire.talk().send(C, "S", skip=True).send(S, "SA")

    assert state_of(wire)[0] == "OTH"


def test_a_reset_after_both_fins_aborts_nothing(wire) -> None:
    wire.talk().open().close().send(C, "R")

    assert state_of(wire) == ("SF", "client", None)


def test_a_reset_after_one_fin_aborts(wire) -> None:
    wire.talk().open().send(S, "FA").ask(b"late").send(S, "R")

    assert state_of(wire) == ("RSTR", "server", "server")


def test_of_two_resets_the_first_counts(wire) -> None:
    wire.talk().open().send(C, "R").send(S, "R")

    assert state_of(wire) == ("RSTO", "client", "client")


def test_a_reset_out_of_the_window_ends_nothing(wire) -> None:
    wire.talk().open().send(S, "R", seq=5001 + 900_000)

    assert state_of(wire) == ("S1", None, None)


@pytest.mark.parametrize("client", Phase)
@pytest.mark.parametrize("server", Phase)
def test_every_pair_of_phases_has_a_state_of_zeeks(client: Phase, server: Phase) -> None:
    states = {"S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"}

    assert conn_state(client, server) in states
