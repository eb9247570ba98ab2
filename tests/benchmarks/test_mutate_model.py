"""The mutations fit the code that they break."""

from __future__ import annotations

import ast
import shutil

import pytest


@pytest.fixture
def mutate(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")
    import mutate_model

    return mutate_model


def test_every_patch_fits_its_file_once(mutate, request) -> None:
    assert [each.name for each in mutate.MUTATIONS if not each.fits(request.config.rootpath)] == []


def test_a_broken_rule_is_still_python(mutate, tmp_path, request) -> None:
    for mutation in mutate.MUTATIONS:
        broken = tmp_path / mutation.file
        broken.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(request.config.rootpath / mutation.file, broken)
        mutation.apply(tmp_path)
        ast.parse(broken.read_text(encoding="utf-8"))


def test_there_are_ten_rules_at_least_and_each_has_a_name_of_its_own(mutate) -> None:
    names = {each.name for each in mutate.MUTATIONS}

    assert len(names) == len(mutate.MUTATIONS) >= 10
