"""What stops us. Strange input is an ``Oddity`` and the work goes on; an exception means that we cannot go on."""

from __future__ import annotations


class AnalyzerError(Exception):
    """The root of every error that this package raises on purpose; its text is one line that a user can act on."""

    exit_code = 70


class UsageError(AnalyzerError):
    """The question itself is wrong: an option, an unknown call id, a pod that the mesh does not have."""

    exit_code = 2


class OutputError(AnalyzerError):
    """What was found cannot be written to its end: there is no room."""

    exit_code = 6


class CaptureError(AnalyzerError):
    """A capture cannot be read at all, or not to its end."""

    exit_code = 3


class MeshError(AnalyzerError):
    """The mesh input cannot be used: YAML that does not parse, a value that makes the model meaningless."""

    exit_code = 4
