from analyzer.capture.capture import Interface


def test_an_interface_names_its_link_type() -> None:
    assert Interface("eth0", "", 276, 0).link_name == "LINUX_SLL2"


def test_an_unknown_link_type_is_named_by_its_number() -> None:
    assert Interface("eth0", "", 147, 0).link_name == "LINKTYPE 147"
