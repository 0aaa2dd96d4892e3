"""What a start does, counted: docs/decisions/0025-start.md says why, and what it costs.

Nothing is timed here.  Libraries, system calls, watched folders and pages are what the time goes
into, and they are the same on every machine.
"""

import re
import subprocess

import pytest

from lib import wire
from lib.sluice import binary, limited, sanitized

HOST = "www.example.com"
TARGET = f"{HOST}:443"
CALLS_MOST = 400            # 327 when this was written, more where control groups lie deeper
ANONYMOUS_MOST = 800 << 10  # 490 KiB then

# Every library is looked up, mapped and resolved before main(): each has its reason.
LIBRARIES = {
    "libevent_core": "the event loop",
    "libcares": "DNS",
    "libyaml": "documents",
    "libpsl": "public suffixes under wildcards",
    "libidn2": "the xn-- form in messages; libpsl needs it too",
    "libjansson": "--json",
    "libc": "all of them",
}

pytestmark = pytest.mark.skipif(sanitized(), reason="a sanitizer's own start would be counted")


@pytest.fixture
def traced(start, tmp_path):
    """Started under strace: the proxy, and what it called until it said that it listens."""
    command = ["strace", "-D", "-f", "-qq", "-o", str(tmp_path / "trace")]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"nothing can be traced here: {tried.stderr.strip()}")
    proxy = start(limited(HOST), wrapper=command)

    def calls():
        return (tmp_path / "trace").read_text(errors="replace").splitlines()

    wire.wait_for(lambda: any("listening on" in line for line in calls()), 20, 0.01,
                  "line that says it listens")
    before = []
    for line in calls():
        if "listening on" in line:
            break
        before.append(line)
    return proxy, before, calls


def watched(calls):
    return re.findall(r'inotify_add_watch\(\d+, "([^"]*)"', "\n".join(calls))


def test_only_what_serving_needs_is_loaded():
    shown = subprocess.run(["readelf", "-dW", binary()], capture_output=True, text=True,
                           check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(\w+)", shown)
    assert sorted(needed) == sorted(LIBRARIES)


def test_a_start_takes_few_calls(traced):
    _, before, _ = traced
    assert len(before) <= CALLS_MOST


def test_the_filter_is_loaded_and_not_made(traced):
    """libseccomp asks the kernel what it can do, by calls of its own."""
    _, before, _ = traced
    assert sum("seccomp(" in line for line in before) == 1


def test_folders_above_are_watched_once_it_serves(traced):
    """The root's and /tmp's take as long as they have names."""
    proxy, before, calls = traced
    allowed = {str(proxy.folder), str(proxy.config_path), *map(str, proxy.environments), "/etc"}
    assert set(watched(before)) <= allowed
    assert str(proxy.folder) in watched(before)
    wire.wait_for(lambda: "/" in watched(calls()), 20, 0.05, "watch on the root folder")


def test_a_start_takes_little_memory(start):
    proxy = start(limited(HOST))
    assert proxy.refusal(TARGET).status == 200
    with open(f"/proc/{proxy.pid}/smaps_rollup", encoding="ascii") as rollup:
        anonymous = int(re.search(r"^Anonymous:\s+(\d+) kB", rollup.read(), re.MULTILINE)[1])
    assert anonymous << 10 <= ANONYMOUS_MOST
