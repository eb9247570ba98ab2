"""What an analyser says: a code, whom it is about, a sentence, the lines that it stands on, and what to change."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Resource

# The worst first.
LEVELS = (Level.ERROR, Level.WARNING, Level.INFO)
_NAMED = 3


class LintFinding(Fact, frozen=True):
    """One finding. ``resource`` is ``Kind namespace/name``, empty where no resource is to blame.

    ``yaml`` begins with the place to look at first. ``advice`` is empty where the code's own says it all.
    """

    code: Code
    resource: str
    sentence: str
    yaml: tuple[YamlPlace, ...] = ()
    advice: str = ""

    @property
    def level(self) -> Level:
        """How much it matters."""
        return self.code.level

    @property
    def full_name(self) -> str:
        """``namespace/name`` of the resource."""
        return self.resource.partition(" ")[2]

    @property
    def what_to_do(self) -> str:
        """The finding's own advice, else the code's."""
        return self.advice or self.code.advice

    @property
    def sort_key(self) -> tuple[object, ...]:
        """The worst first; then by the place, as a reader would go through the files."""
        first = self.yaml[0] if self.yaml else YamlPlace("", 0)
        return LEVELS.index(self.level), first.file, first.line, first.column, self.code.name, self.sentence


def title(resource: Resource) -> str:
    """``Kind namespace/name``, or ``Kind name`` of what lives in no namespace."""
    return f"{resource.kind} {resource.full_name.lstrip('/')}"


def listing(names: Iterable[str], limit: int = _NAMED) -> str:
    """Names in a sentence: ``a``, ``a and b``, ``a, b, c and 4 more``; in the order given, each once."""
    known = list(dict.fromkeys(names))
    if len(known) > limit:
        return f"{', '.join(known[:limit])} and {len(known) - limit} more"
    return " and ".join(part for part in (", ".join(known[:-1]), *known[-1:]) if part)


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 pod`` or ``3 pods``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
