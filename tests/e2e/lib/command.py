"""The commands that answer and end."""

import json
import subprocess

from .sluice import SANITIZER, binary

FINE, FOUND, TROUBLE = 0, 1, 2
TIMEOUT = 120.0         # of one that hangs


def sluice(*arguments, cwd=None, **how):
    """`how` is subprocess.run()'s."""
    done = subprocess.run([binary(), *map(str, arguments)], cwd=cwd, capture_output=True,
                          timeout=TIMEOUT, check=False, stdin=subprocess.DEVNULL, **how)
    assert not SANITIZER.search(done.stderr), done.stderr
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


def expect(status, *arguments, cwd=None, **how):
    """Run it; its status, and nothing on standard output when there was trouble."""
    done = sluice(*arguments, cwd=cwd, **how)
    assert done.returncode == status, (done.stdout, done.stderr)
    assert done.stdout == "" or status != TROUBLE
    return done


def objects(text):
    """One JSON object a line, and nothing else."""
    assert text.endswith("\n")
    found = [json.loads(line) for line in text[:-1].split("\n")]
    assert all(isinstance(o, dict) for o in found)
    return found
