import pytest

from analyzer.base.errors import AnalyzerError, CaptureError, MeshError, OutputError, UsageError


@pytest.mark.parametrize("error", [UsageError, CaptureError, MeshError, OutputError])
def test_every_error_of_ours_can_be_caught_by_the_one_root(error: type[AnalyzerError]) -> None:
    with pytest.raises(AnalyzerError, match="what was found"):
        raise error("what was found")


@pytest.mark.parametrize(
    ("error", "exit_code"), [(UsageError, 2), (CaptureError, 3), (MeshError, 4), (OutputError, 6), (AnalyzerError, 70)]
)
def test_exit_codes_are_those_of_the_documentation(error: type[AnalyzerError], exit_code: int) -> None:
    assert error.exit_code == exit_code
