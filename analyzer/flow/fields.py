"""Fields of connections as columns, which become values of single connections when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from analyzer.base.authority import uri_host
from analyzer.base.fact import Fact
from analyzer.base.table import I64, numbered
from analyzer.flow.connection import Endpoint

Value = TypeVar("Value")


class Field(Protocol):
    """A field of all connections, ``(C,)``, by their indices."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class Coded(Fact, Generic[Value], frozen=True, eq=False):
    """A field of which many connections have the same: each has ``values[codes[index]]``."""

    values: Sequence[Value]
    codes: I64

    @classmethod
    def of(cls, values: Iterable[Value]) -> Coded[Value]:
        """The field that has these values."""
        return cls(*numbered(values))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: int, /) -> Value:
        return self.values[self.codes.item(index)]

    def numbers(self, number: Callable[[Value], int], which: I64) -> I64:
        """The numbers of what some have, by what gives one for each value."""
        found: I64 = np.array(list(map(number, self.values)), np.int64)[self.codes[which]]
        return found


class Endpoints(Fact, frozen=True, eq=False):
    """Addresses and ports."""

    ips: Coded[str]
    ports: I64

    def __len__(self) -> int:
        return len(self.ports)

    def __getitem__(self, index: int, /) -> Endpoint:
        return Endpoint(self.ips[index], self.ports.item(index))

    def texts(self) -> list[str]:
        """Each as ``str`` gives it."""
        hosts = list(map(uri_host, self.ips.values))
        codes, ports = self.ips.codes.tolist(), self.ports.tolist()
        return [f"{hosts[code]}:{port}" for code, port in zip(codes, ports, strict=True)]


class Names(Fact, frozen=True, eq=False):
    """Texts in ASCII that are all of one length, as bytes of an array, ``(C,)``."""

    bytes: NDArray[np.bytes_]

    def __len__(self) -> int:
        return len(self.bytes)

    def __getitem__(self, index: int, /) -> str:
        name: bytes = self.bytes.item(index)
        return name.decode("ascii")
