"""A Wireshark profile for what ``extract`` writes: colours and buttons by verdict, and the columns that tell of it.

The files are those of a profile's folder (Wireshark User's Guide, "Configuration files and plugin folders"); verdicts
are found by the comments on the packets.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.report.packet_comments import MARK
from analyzer.report.phrase import VERDICT_ORDER, verdict_word

# Background and text, 0 to 255, of a pastel that black text stands out from in Wireshark's light and dark themes.
_COLOURS: Mapping[str | None, tuple[int, int, int]] = MappingProxyType(
    {
        "dropped": (255, 199, 206),
        None: (234, 209, 245),
        "passthrough": (255, 229, 180),
        "headless-matched": (190, 232, 240),
        "service-matched": (205, 238, 205),
    }
)
_TEXT = (18, 18, 18)
# Colours have sixteen bits in the file.
_SCALE = 257
_COLUMNS = (
    ("No.", "%m"),
    ("Time", "%t"),
    ("Interface", "%Cus:frame.interface_name:0:R"),
    ("Source", "%s"),
    ("Destination", "%d"),
    ("Protocol", "%p"),
    ("Length", "%L"),
    ("Info", "%i"),
    ("Comment", "%Cus:frame.comment:0:R"),
)
# Names come from the file alone, checksums were left to hardware (``vantage``), and ports do not tell the protocol.
_PREFERENCES = (
    ("nameres.network_name", "TRUE"),
    ("nameres.dns_pkt_addr_resolution", "TRUE"),
    ("nameres.use_external_name_resolver", "FALSE"),
    ("nameres.hosts_file_handling", "FALSE"),
    ("tcp.check_checksum", "FALSE"),
    ("ip.check_checksum", "FALSE"),
    ("tcp.try_heuristic_first", "TRUE"),
)


def verdict_filter(verdict: str | None) -> str:
    """The display filter for packets whose connection has a verdict, by the comments that ``extract`` writes."""
    return f'frame.comment contains "{MARK}{verdict_word(verdict)}"'


def profile_files() -> dict[str, str]:
    """The files of the profile by name; the same every time."""
    return {
        "colorfilters": "".join(map(_colour_rule, VERDICT_ORDER)),
        "dfilter_buttons": "".join(map(_button, VERDICT_ORDER)),
        "preferences": _preferences(),
    }


def _colour_rule(verdict: str | None) -> str:
    back, text = (f"[{','.join(str(part * _SCALE) for part in colour)}]" for colour in (_COLOURS[verdict], _TEXT))
    return f"@{verdict_word(verdict)}@{verdict_filter(verdict)}@{back}{text}\n"


def _button(verdict: str | None) -> str:
    quoted = verdict_filter(verdict).replace('"', '\\"')
    return f'"TRUE","{verdict_word(verdict)}","{quoted}","from meshverdict"\n'


def _preferences() -> str:
    columns = ",\n\t".join(f'"{title}", "{shown}"' for title, shown in _COLUMNS)
    lines = "".join(f"{name}: {value}\n" for name, value in _PREFERENCES)
    return f"gui.column.format: \n\t{columns}\n{lines}"
