"""Damaged files by the hundred: each is done or refused with a sentence. `benchmarks/fuzz.py` does the same for longer."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from mutate import mutants

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["fuzz"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fuzz"]


def test_damaged_files_are_done_or_refused(fuzz, tmp_path):
    findings = fuzz.fuzz(mutants(fuzz.small_seeds(), 400, seed=2026), 2, tmp_path)
    assert findings.faults == []
    assert findings.counts["done"] + findings.counts["refused"] == 400
    assert findings.counts["strays"] == 0
    assert min(findings.counts["done"], findings.counts["refused"]) > 50  # the damage is neither harmless nor total


def test_the_same_seed_makes_the_same_damage(fuzz):
    seeds = fuzz.small_seeds()
    assert list(mutants(seeds, 20, seed=1)) == list(mutants(seeds, 20, seed=1))
    assert list(mutants(seeds, 20, seed=1)) != list(mutants(seeds, 20, seed=2))
