"""docs/attacks.md against the tests that say which of its rows they prove."""

import re
from pathlib import Path

import pytest

from conftest import COLLECTED

HERE = Path(__file__).resolve().parent
ROWS = re.findall(r"^\| ([A-Z]\d+) \|", (HERE.parents[1] / "docs/attacks.md").read_text(),
                  re.MULTILINE)


def test_no_attack_has_two_rows():
    assert ROWS and len(ROWS) == len(set(ROWS))


def test_every_attack_has_a_test_and_no_test_names_another(request):
    items = request.config.stash[COLLECTED]
    if {item.path for item in items} != set(HERE.glob("test_*.py")):
        pytest.skip("only part of the tests was collected")
    named = {name for item in items for mark in item.iter_markers("covers")
             for name in mark.args}
    assert sorted(named) == sorted(ROWS)
