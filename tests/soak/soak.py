#!/usr/bin/python3
"""Soak the proxy in mixed work with 5 % faults, and compare the record with what it said.

    SLUICE=./sluice tests/soak/soak.py [SECONDS [SEED]]

It runs in a network namespace of its own.  At the end the record's lines must be those that the
answers stand for, descriptors must be back at what they were before, every line of the record
must parse, and, unless it is a sanitizer build, memory must not have grown after the warm-up.
"""

import fcntl
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import run as namespace  # noqa: E402  (the path is set above)
import work  # noqa: E402
import world  # noqa: E402
from lib import wire  # noqa: E402
from lib.dns import ScriptedDns  # noqa: E402
from lib.sluice import Sluice, limited, sanitized  # noqa: E402
from lib.tls import Authority  # noqa: E402

CLIENTS = 8
RATE = 5.0                  # operations a second of one client, at most
SAMPLE_SECONDS = 5
WARM_UP = 0.2               # of the time, before growth is measured
GROWTH_KIB = 1024
PIPE_SIZE = 4096            # so small that a stalled reader is felt at once
F_SETPIPE_SZ = 1031

POLICIES = [limited("*.example.com", "*.changing.example.org"), limited("*.example.com")]
CONFIG = {
    "timeouts": {"head": "3s", "hello": "3s", "resolve": "2s", "connect": "2s", "idle": "60s",
                 "half_close": "10s", "keep_alive": "5s"},
    "resolver": {"timeout": "1s"},
    "audit": {"stall": "5s"},
}


class Record(threading.Thread):
    """Reads the record from its pipe, now and then late, and counts its lines."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe = pipe
        self.lines = Counter()
        self.torn = Counter()       # of clients that left at any moment
        self.unread = 0             # lines that are no JSON object
        self._stall = 0.0
        self.start()

    def run(self):
        for text in self.pipe:
            self.count(text)
            pause, self._stall = self._stall, 0.0
            time.sleep(pause)

    def stall(self, seconds):
        self._stall = seconds

    def count(self, text):
        try:
            line = json.loads(text)
            event = line["event"]
        except (ValueError, KeyError, TypeError):
            self.unread += 1
            return
        book = self.torn if line.get("host") == work.TORN else self.lines
        plain = line.get("verdict") == "allow" or line.get("reason") in work.AFTER_OPEN
        if plain and event in ("open", "close"):
            book[(event,)] += 1
        else:
            book[event, line.get("reason")] += line.get("count", 1)


class Faults:
    """What is done to the proxy from the operator's side."""

    def __init__(self, proxy, record):
        self._proxy, self._record = proxy, record
        self._lock = threading.Lock()
        self._turn = 0

    def stall_record(self, seconds):
        self._record.stall(seconds)

    def reload(self):
        with self._lock:
            self._turn += 1
            self._proxy.rewrite(POLICIES[self._turn % len(POLICIES)])


class Watch(threading.Thread):
    """Resident memory every few seconds."""

    def __init__(self, proxy):
        super().__init__(daemon=True)
        self.proxy = proxy
        self.samples = []           # (seconds, KiB)
        self.over = threading.Event()
        self.began = time.monotonic()
        self.start()

    def run(self):
        while not self.over.wait(SAMPLE_SECONDS):
            at = time.monotonic() - self.began
            self.samples.append((at, self.proxy.resident() // 1024))

    def growth(self, seconds):
        """KiB after the warm-up: by the line that fits best, and last minus first."""
        warm = [(t, kib) for t, kib in self.samples if t >= seconds * WARM_UP]
        if len(warm) < 4:
            return 0.0, 0.0
        times, sizes = zip(*warm)
        slope = statistics.linear_regression(times, sizes).slope
        part = max(1, len(sizes) // 10)
        last, first = statistics.median(sizes[-part:]), statistics.median(sizes[:part])
        return slope * (times[-1] - times[0]), last - first


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(folder, stack):
    """The world, the proxy in it, and the reader of its record."""
    authority = Authority(folder / "ca", ["tls.example.com"], [world.TLS])
    for stop in world.servers(authority):
        stack.callback(stop)
    names = ScriptedDns(world.names)
    stack.callback(names.stop)
    proxy = Sluice(folder / "proxy", POLICIES[:1], config=CONFIG, audit="stdout",
                   resolver=names.server).start()
    stack.callback(proxy.process.kill)
    fcntl.fcntl(proxy.process.stdout, F_SETPIPE_SZ, PIPE_SIZE)
    return proxy, authority


def soak(proxy, authority, record, seconds, seed):
    book, faults = work.Book(), Faults(proxy, record)
    until = time.monotonic() + seconds
    threads = []
    for n in range(CLIENTS):
        client = work.Client(proxy, authority, book, faults, f"{seed}-{n}")
        threads.append(threading.Thread(target=work.run, args=(client, until, RATE)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return book


def compare(book, record):
    """A row for each kind of line that differs; none is what is promised."""
    differ = {key: (book.lines[key], record.lines[key])
              for key in {*book.lines, *record.lines} if book.lines[key] != record.lines[key]}
    print(f"\n{'lines of the record':36} {'answers':>9} {'record':>9}")
    for key in sorted({*book.lines, *record.lines}, key=str):
        mark = "  <-- differ" if key in differ else ""
        print(f"{' '.join(map(str, key)):36} {book.lines[key]:9} {record.lines[key]:9}{mark}")
    return not differ


def torn_lines(book, record):
    """Who leaves early has at most one verdict, and a close for each open."""
    opens = record.torn["open",]
    closes = sum(n for key, n in record.torn.items() if key[0] == "close")
    verdicts = sum(record.torn.values()) - closes
    asked = book.operations["client_reset"]
    print(f"{'of clients that left at any moment':36} {asked:9} {verdicts:9}  "
          f"{opens} opens, {closes} closes")
    return opens == closes and verdicts <= asked


def promise(text, kept):
    print(f"{'kept' if kept else 'BROKEN':7} {text}")
    return kept


def rest(proxy):
    try:
        proxy.check_rest()
        return True
    except AssertionError as problem:
        print(problem)
        return False


def ended(proxy):
    """By SIGTERM, with status 0 and no word from a sanitizer."""
    proxy.process.terminate()
    try:
        proxy.process.wait(60)
        pipe, proxy.process.stdout = proxy.process.stdout, None
        proxy.check_end()
        pipe.close()
        return True
    except (AssertionError, OSError) as problem:
        print(problem)
        return False


def report(proxy, record, book, watch, seconds):
    wire.close_all()
    alive = proxy.process.poll() is None
    used = processor_seconds(proxy.pid) if alive else 0.0
    at_rest = alive and rest(proxy)
    watch.over.set()
    end = ended(proxy)
    record.join(10)
    fit, difference = watch.growth(seconds)
    sizes = [kib for _, kib in watch.samples] or [0]
    print("operations:", dict(book.operations.most_common()))
    print(f"processor: {100 * used / seconds:.1f} % of one; RSS {sizes[0]} KiB at first,"
          f" {min(sizes)} to {max(sizes)}, {sizes[-1]} last")
    print(f"growth after the warm-up: {fit:.0f} KiB by the line that fits, {difference:.0f} KiB"
          " last minus first")
    for problem in book.problems[:20]:
        print("problem:", problem[:300])
    same, torn = compare(book, record), torn_lines(book, record)
    print()
    return all([
        promise("alive, and ended with status 0 and in silence", end),
        promise("every client was served as expected", not book.problems),
        promise("descriptors, and so sessions, are back at idle", at_rest),
        promise("every line of the record parses", record.unread == 0),
        promise("the record says what the clients were told", same and torn),
        sanitized() or promise("memory grew by at most 1 MiB after the warm-up",
                               max(fit, difference) <= GROWTH_KIB),
    ])


def main():
    namespace.enter_namespace(__file__, sys.argv[1:])
    namespace.add_addresses()
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 1800
    seed = sys.argv[2] if len(sys.argv) > 2 else str(random.randrange(1 << 32))
    print(f"soak: {seconds} s, seed {seed}, {os.environ['SLUICE']}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="sluice-soak-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        proxy, authority = start(folder, stack)
        record, watch = Record(proxy.process.stdout), Watch(proxy)
        book = soak(proxy, authority, record, seconds, seed)
        kept = report(proxy, record, book, watch, seconds)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
