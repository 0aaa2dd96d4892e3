"""The session that README.md shows, run as a reader would run it."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from conftest import need

README = Path(__file__).resolve().parent.parent.parent / "README.md"
WHERE = "127.0.0.1:3128"
DIFFERS = [(r'"time":"[^"]*"', '"time":"..."'), (r'"id":"[^"]*"', '"id":"..."'),
           (r'"worker":\d+', '"worker":0')]


def block(mark, language):
    """The first fenced block behind the comment that begins with mark."""
    found = re.search(rf"^<!-- {mark}:[^\n]*-->\n+```{language}\n(.*?)^```$",
                      README.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"README.md has no {mark} block"
    return found[1]


def masked(text):
    for pattern, same in DIFFERS:
        text = re.sub(pattern, same, text)
    return text


@pytest.fixture
def where():
    """The README's address, or another one where that is taken."""
    host, port = WHERE.split(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            probe.bind((host, 0))
        return "%s:%d" % probe.getsockname()


def test_the_session_prints_what_it_shows(tmp_path, where):
    need("curl")
    (tmp_path / "sluice").symlink_to(os.environ["SLUICE"])
    script = block("session", "sh").replace(WHERE, where)
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True,
                          text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
                          env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert masked(done.stdout) == masked(block("session output", "").replace(WHERE, where)), \
        done.stderr
    assert done.returncode == 0, done.stderr
