"""Every module has a twin among the tests."""

from pathlib import Path


def twin_of(module: str) -> str:
    """The test file of a module: ``mesh/source.py`` is tested by ``mesh/test_source.py``."""
    folder, _, name = module.rpartition("/")
    return f"{folder}/test_{name}" if folder else f"test_{name}"


def test_every_module_has_a_twin(sources, root: Path) -> None:
    modules = [source.name for source in sources if not source.name.endswith("__init__.py")]

    missing = [twin_of(module) for module in modules if not (root / "tests" / twin_of(module)).is_file()]

    assert missing == []


def test_a_twin_is_beside_its_module() -> None:
    assert twin_of("mesh/kinds/service.py") == "mesh/kinds/test_service.py"
