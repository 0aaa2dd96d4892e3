#!/usr/bin/python3
"""Survive a flood: 5,000 CONNECT a second, refused and black-holed, in 64 MiB of memory.

    SLUICE=./sluice FLOOD=build/release/flood tests/bench/flood.py [SECONDS]

In a network namespace of its own, the proxy runs in a memory cgroup without swap.  One client
floods its first listener while another one opens a tunnel 20 times a second at the second
and measures how long it waits for it.  The record goes into a pipe and is
counted as it comes.  What is promised is checked; the exit status is 1 when a promise is broken.
"""

import collections
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

E2E = Path(__file__).resolve().parent.parent / "e2e"
sys.path.insert(0, str(E2E))

import run  # noqa: E402  (the path is set above)
from lib import dns, net, raw, wire  # noqa: E402
from lib.sluice import Sluice, limited  # noqa: E402

MIB = 1 << 20
MEMORY = 64 * MIB
RATE, STEADY_RATE = 5000, 20
PATIENCE = 20               # longer than the proxy's own time-outs
REST_TIMEOUT = 60.0

# What the flooding client asks for, by weight: refusals for half of the time, then black holes
# among them, which take all places that the client may have.
REFUSED = [
    (40, "refused.example.net:443"),        # equal refusals, merged in the record
    (5, "r%.example.net:443"),              # refusals each of its own: a line each
    (3, "127.1:443"),                       # a target that does not parse
    (2, "hole.example.com:25"),             # a blocked port
]
BLACK_HOLES = [
    (35, "hole.example.com:443"),           # allowed, and its SYN is never answered
    (10, "h%.hole.example.com:443"),        # the same, with a lookup each
    (5, "s%.silent.example.com:443"),       # allowed, and nobody answers for the name
]
STEADY = [(1, "echo.example.com:80")]
UNANSWERED = {"reset", "closed", "unanswered", "unsent"}    # no verdict, or none that arrived


class Names(threading.Thread):
    """A name server that is as fast as Python allows; it forgets what it was asked."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.server = f"127.0.0.1:{self.sock.getsockname()[1]}"
        self.start()

    def run(self):
        while True:
            packet, client = self.sock.recvfrom(512)
            reply = self.reply(packet)
            if reply is not None:
                self.sock.sendto(reply, client)

    @staticmethod
    def reply(packet):
        end = packet.index(b"\0", 12) + 1
        kind = struct.unpack_from(">H", packet, end)[0]
        if packet.endswith(dns.encode_name("silent.example.com"), 12, end):
            return None
        address = net.RAW if packet.startswith(b"\4echo", 12) else net.SILENT
        record = struct.pack(">HHHIH", 0xC00C, 1, 1, 300, 4) + socket.inet_aton(address)
        answers = record if kind == dns.A else b""
        head = packet[:2] + struct.pack(">HHHHH", 0x8180, 1, bool(answers), 0, 0)
        return head + packet[12:end + 4] + answers


class MemoryGroup:
    """A memory cgroup of version 1 or 2, without swap."""

    def __init__(self, limit):
        v1 = Path("/sys/fs/cgroup/memory")
        self.v1 = v1.is_dir()
        self.path = Path(tempfile.mkdtemp(prefix="sluice-flood-",
                                          dir=v1 if self.v1 else "/sys/fs/cgroup"))
        if self.v1:
            self._write("memory.limit_in_bytes", limit)
            self._write("memory.memsw.limit_in_bytes", limit)
        else:
            self._write("memory.max", limit)
            self._write("memory.swap.max", 0)

    def _write(self, name, value):
        (self.path / name).write_text(str(value))

    def _read(self, v1, v2):
        return (self.path / (v1 if self.v1 else v2)).read_text()

    def wrapper(self):
        return ["sh", "-c", f'echo 0 >{self.path}/cgroup.procs && exec "$@"', "sh"]

    def used(self):
        return int(self._read("memory.usage_in_bytes", "memory.current"))

    def peak(self):
        return int(self._read("memory.max_usage_in_bytes", "memory.peak"))

    def kills(self):
        lines = self._read("memory.oom_control", "memory.events").splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"])

    def remove(self):
        self.path.rmdir()


class Tally(threading.Thread):
    """Reads the record and counts verdicts by listener and reason."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe = pipe
        self.verdicts = collections.Counter()
        self.lines = 0
        self.lost = 0
        self.start()

    def run(self):
        for text in self.pipe:
            line = json.loads(text)
            self.lines += 1
            if line["event"] == "gap":
                self.lost += line["lost"]
            elif line["event"] != "close":
                word = "echoed" if line["event"] == "open" else line["reason"]
                self.verdicts[line["listener"], word] += line.get("count", 1)

    def of(self, listener):
        return collections.Counter(
            {word: n for (where, word), n in self.verdicts.items() if where == listener})


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_kib(pid, key):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise KeyError(key)


def placed(processor, priority=1):
    """The proxy has one processor, the clients the other, where there are two.

    What else this machine does is no part of the question, so they go before it, where
    that is permitted; and the steady client, which is what measures, before the flood.
    """
    pinned = ["taskset", "-c", str(processor)] if os.cpu_count() > 1 else []
    before = ["chrt", "--rr", str(priority)]
    permitted = subprocess.run([*before, "true"], stderr=subprocess.DEVNULL, check=False)
    return [*pinned, *(before if permitted.returncode == 0 else [])]


def client(folder, name, listener, rate, seconds, targets, priority=1):
    path = folder / f"{name}.targets"
    path.write_text("".join(f"{weight} {target}\n" for weight, target in targets))
    port = listener.rpartition(":")[2]
    command = [*placed(1, priority), os.environ["FLOOD"], port, str(rate), str(seconds), str(PATIENCE),
               str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result(process):
    out, _ = process.communicate()
    return json.loads(out)


def measure(folder, proxy, seconds):
    """Both clients at once; the floods begin and end inside the steady client's time."""
    floods = []
    steady = client(folder, "steady", proxy.listeners[1], STEADY_RATE, seconds + 12, STEADY,
                    priority=2)
    time.sleep(2)
    for name, targets in [("refused", REFUSED), ("black holes", REFUSED + BLACK_HOLES)]:
        floods.append(result(client(folder, name, proxy.listeners[0], RATE, seconds // 2,
                                    targets)))
        print(f"{name}: {floods[-1]['sent'] / (seconds // 2):.0f} a second,"
              f" ms {floods[-1]['ms']}", flush=True)
    answers = sum((collections.Counter(f["answers"]) for f in floods), collections.Counter())
    return answers, result(steady)


def come_to_rest(proxy):
    """Until every connection has gone; how long it took."""
    began = time.monotonic()
    while proxy.process.poll() is None and proxy.descriptors() > proxy.idle:
        if time.monotonic() - began > REST_TIMEOUT:
            break
        time.sleep(0.1)
    time.sleep(6)       # the last merged lines; memory is given back after 4 s
    return time.monotonic() - began


def compare(what, answers, recorded):
    """A row for each word; true when the record says what the clients were told."""
    print(f"\n{what:24} {'answers':>10} {'recorded':>10}")
    same = True
    for word in sorted(set(answers) | set(recorded), key=lambda w: -answers.get(w, 0)):
        told, wrote = answers.get(word, 0), recorded.get(word, 0)
        quiet = word in UNANSWERED
        mark = "" if quiet or told == wrote else "  <-- differ"
        same = same and not mark
        print(f"{word:24} {told:10} {'-' if quiet else wrote:>10}{mark}")
    return same


def end(proxy):
    """However it went: nothing of it may stay in the cgroup."""
    if proxy.process.poll() is None:
        proxy.stop()
    proxy.process.wait()


def promise(text, kept):
    print(f"{'kept' if kept else 'BROKEN':7} {text}")
    return kept


def flood(folder, seconds, stack):
    group = MemoryGroup(MEMORY)
    stack.callback(group.remove)
    names = Names()
    stack.callback(raw.RawServer(net.RAW, 80, raw.echo).stop)
    stack.callback(raw.FullServer(net.SILENT, 443).stop)
    proxy = Sluice(folder, [limited("*.example.com")], audit="stdout", resolver=names.server,
                   config={"listeners": [{"address": "127.0.0.1:0"}] * 2},
                   wrapper=[*group.wrapper(), *placed(0)]).start()
    stack.callback(end, proxy)
    tally = Tally(proxy.process.stdout)
    for _ in range(20):     # what is made at first use belongs to the idle figure
        proxy.tunnel("echo.example.com:80", nth=1).close()
        proxy.refusal("refused.example.net:443", nth=1)
    come_to_rest(proxy)
    before = tally.of(proxy.listeners[1])
    idle, idle_group = status_kib(proxy.pid, "VmRSS"), group.used()

    used = processor_seconds(proxy.pid)
    flooded, steady = measure(folder, proxy, seconds)
    used = processor_seconds(proxy.pid) - used
    rested = come_to_rest(proxy)
    alive = proxy.process.poll() is None
    if alive:
        after, high = status_kib(proxy.pid, "VmRSS"), status_kib(proxy.pid, "VmHWM")
        print(f"RSS      idle {idle / 1024:6.1f}   peak {high / 1024:6.1f}"
              f"   after {after / 1024:6.1f} MiB")
    print(f"cgroup   idle {idle_group / MIB:6.1f}   peak {group.peak() / MIB:6.1f}"
          f"   after {group.used() / MIB:6.1f} MiB, {group.kills()} killed")
    print(f"at rest {rested:.1f} s after the clients;"
          f" {tally.lines} lines recorded, {tally.lost} lost")
    print("other client, CONNECT until 200, ms:", steady["ms"])
    print(f"the proxy used {100 * used / seconds:.0f} % of a processor")
    same = [compare("flooding client", flooded, tally.of(proxy.listeners[0])),
            compare("other client", steady["answers"], tally.of(proxy.listeners[1]) - before)]
    print()
    kept = [
        promise("alive", alive and group.kills() == 0),
        promise("the other client was served every time",
                set(steady["answers"]) == {"echoed"}),
        promise("the other client's p99 is below 50 ms", steady["ms"]["p99"] < 50),
        promise("RSS is back within 2 MiB of idle", alive and after - idle <= 2048),
        promise("the record counts what the clients were told", all(same) and not tally.lost),
    ]
    return all(kept)


def main():
    run.enter_namespace(__file__, sys.argv[1:])
    run.add_addresses()
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("1024 65000")
    folder = Path(tempfile.mkdtemp(prefix="sluice-flood-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(wire.close_all)
        kept = flood(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 300, stack)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
