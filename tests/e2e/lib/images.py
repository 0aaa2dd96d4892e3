"""Compiled lists, made by the program under test."""

import json
import os
import subprocess
from pathlib import Path

from .sluice import binary

PATIENCE = 120


def compiled(path, *sources, arguments=()):
    """
    Compile sources to path, as `sluice blocklist compile` does: whole, by rename.  A source is
    text and options: ("bad.example.com\\n", "category=mining").
    """
    path = Path(path)
    operands = []
    for i, (text, options) in enumerate(sources):
        source = path.parent / f"{path.stem}{i}.txt"
        source.write_text(text)
        operands.append(f"{source.name},{options}" if options else source.name)
    done = subprocess.run([os.path.abspath(binary()), "blocklist", "compile", "-o", path.name,
                           *arguments, *operands], cwd=path.parent, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return path


def many(*names, more=20000):
    """A list so long that its image has pages that nobody has read yet."""
    return "".join(f"{name}\n" for name in names) + "".join(
        f"n{i}.example.net\n" for i in range(more))


def by_rename(path, image):
    new = path.parent / f".{path.name}.new"
    new.write_bytes(image)
    new.rename(path)


def spoil(path, at):
    """Another byte there; at counts from the end when it is negative.  In place."""
    with open(path, "r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def asked(command, *arguments):
    """check or explain, whose answers are JSON: the answers, and what was said besides."""
    done = subprocess.run([binary(), command, "--json", *map(str, arguments)],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr
