"""Nothing grows beyond what one can read in one go."""

import ast
from pathlib import Path

import pytest

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring: an explained function must not look long."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1


def test_no_file_is_too_long(sources) -> None:
    long = {source.name: source.lines for source in sources if source.lines > MOST_LINES_OF_A_FILE}

    assert long == {}


def test_no_test_or_benchmark_is_too_long(root: Path) -> None:
    files = (path for folder in ("tests", "benchmarks", "fuzz") for path in (root / folder).rglob("*.py"))
    lines = {path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in files}

    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_too_long(sources) -> None:
    long = {
        f"{source.name}:{node.lineno} {node.name}": length(node)
        for source in sources
        for node in functions(source.tree)
        if length(node) > MOST_LINES_OF_A_FUNCTION
    }

    assert long == {}


@pytest.mark.parametrize(("text", "lines"), [("def f():\n    '''One.\n\n    Two.\n    '''\n    return 1\n", 1)])
def test_a_docstring_does_not_count(text: str, lines: int) -> None:
    assert length(functions(ast.parse(text))[0]) == lines
