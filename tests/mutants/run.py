#!/usr/bin/env python3
"""Plant each mutant of tests/mutants/list into a copy of the tree: a test must fail.

A mutant that no test notices is a hole in the tests.  Only the standard library is used,
and nothing outside a temporary folder is written.  Arguments, if any, choose the files whose mutants
are planted: run.py policy/decide.c

Tests are unit tests by their name, or end-to-end tests by file and function.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPIED = ["Makefile", "base", "blocklists", "policy", "proxy", "tests/unit", "tests/cases",
          "tests/e2e", "deploy"]
# No warnings: a mutant may leave something unused.  No optimisation: it is built once.
MAKE = ["make", "-s", "B=build/mutants", "WARN=", "FORTIFY=", "CFLAGS=-O0"]
TIMEOUT = 120  # seconds for one test; a mutant that hangs is noticed, too
BINARY = "build/mutants/sluice"


@dataclass
class Mutant:
    number: int  # line in the list
    file: str
    tests: list
    old: str
    occurrence: int  # None: the line stands there once
    new: str


def read_list(path):
    """The mutants of the list, in order."""
    mutants = []
    file, tests, old, occurrence = None, [], None, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("- "):
            counted = re.match(r"- \((\d+)\) (.*)", line)
            occurrence = int(counted[1]) if counted else None
            old = counted[2] if counted else line[2:]
        elif line.startswith("+ ") and old is not None:
            mutants.append(Mutant(number, file, tests, old, occurrence, line[2:]))
            old = None
        else:
            file, _, names = line.partition(":")
            tests = names.split()
    return mutants


def planted(source, mutant):
    """The source with the mutant in it, or None when the line is not there."""
    lines = source.split("\n")
    found = [i for i, line in enumerate(lines) if line.strip() == mutant.old]
    if len(found) < (mutant.occurrence or 1) or (mutant.occurrence is None and len(found) > 1):
        return None
    at = found[(mutant.occurrence or 1) - 1]
    lines[at] = lines[at].replace(mutant.old, mutant.new)
    return "\n".join(lines)


def is_end_to_end(test):
    return "::" in test


def build(tree, tests):
    """True when all tests, or the program that they start, build."""
    targets = sorted({BINARY if is_end_to_end(test) else f"build/mutants/unit/{test}_test"
                      for test in tests})
    done = subprocess.run(MAKE + targets, cwd=tree, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
    return done.returncode == 0


def command_of(test):
    if is_end_to_end(test):
        return [sys.executable, "tests/e2e/run.py", "-q", "-x", f"tests/e2e/{test}"]
    return [f"build/mutants/unit/{test}_test"]


def failing(tree, tests):
    """The first test that fails, or None."""
    for test in tests:
        try:
            done = subprocess.run(command_of(test), cwd=tree, capture_output=True,
                                  timeout=TIMEOUT,
                                  env={**os.environ, "SLUICE": str(tree / BINARY)})
        except subprocess.TimeoutExpired:
            return test
        if done.returncode != 0:
            return test
    return None


def judge(tree, mutant):
    """Plant one mutant, build, test, and take it out again: (killed, what to say)."""
    path = tree / mutant.file
    source = path.read_text()
    changed = planted(source, mutant)
    if changed is None:
        return False, "the line is not there, or not once"
    path.write_text(changed)
    try:
        if not build(tree, mutant.tests):
            return False, "does not compile"
        test = failing(tree, mutant.tests)
    finally:
        path.write_text(source)
    return (True, f"killed by {test}") if test else (False, "SURVIVED")


def copy_tree(tree):
    for name in COPIED:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, symlinks=True)
        else:
            shutil.copy2(ROOT / name, tree / name)


def run(tree, mutants):
    """How many were killed, and how many were not."""
    copy_tree(tree)
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    if not build(tree, tests) or failing(tree, tests):
        sys.exit("mutants: the tests must build and pass before anything is planted")
    killed = failed = 0
    for mutant in mutants:
        dead, words = judge(tree, mutant)
        killed += dead
        failed += not dead
        print(f"tests/mutants/list:{mutant.number}: {mutant.file}: {words}", flush=True)
    return killed, failed


def main():
    chosen = sys.argv[1:]
    mutants = read_list(ROOT / "tests/mutants/list")
    mutants = [m for m in mutants if not chosen or m.file in chosen]
    os.environ.pop("MAKEFLAGS", None)  # of the make that runs this
    with tempfile.TemporaryDirectory(prefix="sluice-mutants-") as folder:
        killed, failed = run(pathlib.Path(folder), mutants)
    print(f"{killed} passed, {failed} failed")
    return 1 if failed or not killed else 0


if __name__ == "__main__":
    sys.exit(main())
