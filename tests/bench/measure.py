"""One measurement of each kind: a load, and what the proxy's processes took for it."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import proxies

TICK = os.sysconf("SC_CLK_TCK")
WARM_UP = ["rate", "--tunnels", "16", "--count", "2000"]
DENIED = ["--status", "403", "--name", "h%.denied.example.net"]
TUNNELS_IDLE, STEPS, SPARE_FILES = 9000, 3, 600
SETTLE, REST = 0.5, 6.0         # seconds before memory is read; REST: at most, for it to come back
TRACED, SKEW = 1000, 10000      # tunnels
ATTACHED = 30


def _stat(pid):
    """(parent, ticks of it and of its children that have ended)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15]))


def tree(root):
    """{pid: ticks} of a process and all below it."""
    stats = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stats[int(name)] = _stat(name)
        except OSError:
            continue
    found = [root]
    for pid in found:
        found += [child for child, (parent, _) in stats.items() if parent == pid]
    return {pid: stats[pid][1] for pid in found if pid in stats}


def _numbers(path, pattern):
    try:
        return sum(map(int, re.findall(pattern, path.read_text(), re.MULTILINE)))
    except OSError:
        return 0


def usage(root):
    """(seconds of processor time, context switches of the threads that live)."""
    ticks = tree(root)
    switches = sum(_numbers(task / "status", r"voluntary_ctxt_switches:\s+(\d+)")
                   for pid in ticks for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(ticks.values()) / TICK, switches


def memory(root, key):
    """Bytes; key as in smaps_rollup."""
    return 1024 * sum(_numbers(Path(f"/proc/{pid}/smaps_rollup"), rf"^{key}:\s+(\d+)")
                      for pid in tree(root))


def descriptors(root):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in tree(root))


class Load:
    """The load program, and the conversation with it: it says a line, and waits for one."""

    def __init__(self, arguments, stderr=None):
        self.process = subprocess.Popen([os.environ["LOAD"], *arguments], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=stderr)

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the load program ended")
        return line if line == "ready\n" else json.loads(line)

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with suppress(BrokenPipeError):     # it may have given up
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def run(running, *arguments):
    """What the load program found, with cpu and switches of the proxy meanwhile."""
    with Load([*arguments, *running.arguments()]) as load:
        load.hear()
        before = usage(running.pid)
        load.go_on()
        found = load.hear()
        after = usage(running.pid)
        load.go_on()
    failed = sum(found[key] for key in ("no_connection", "other_status", "broken", "too_late"))
    return {**found, "failed": failed, "cpu": after[0] - before[0],
            "switches": after[1] - before[1]}


def warm_up(running):
    run(running, *WARM_UP)


def per_unit(found, name, units=None):
    """The figures of a closed loop."""
    units = units or max(found["done"], 1)
    return {f"{name}.per_s": units / found["seconds"], f"{name}.p50": found["p50_us"] / 1000,
            f"{name}.p99": found["p99_us"] / 1000, f"{name}.cpu": found["cpu"] * 1e6 / units,
            f"{name}.switches": found["switches"] / units, f"{name}.failed": found["failed"]}


def rate(running, seconds):
    few = run(running, "rate", "--tunnels", "64", "--seconds", str(1.5 * seconds))
    many = run(running, "rate", "--tunnels", "512", "--seconds", str(seconds))
    figures = {**per_unit(few, "rate64"), **per_unit(many, "rate512")}
    return {**figures, "rate512.of64": figures["rate512.per_s"] / figures["rate64.per_s"]}


def deny(running, seconds):
    return per_unit(run(running, "rate", *DENIED, "--seconds", str(seconds)), "deny")


def rtt(running, seconds):
    return per_unit(run(running, "rtt", "--seconds", str(seconds)), "rtt")


def tls(running, seconds):
    return per_unit(run(running, "rate", "--tls", "--seconds", str(seconds)), "tls")


def bulk(running, seconds):
    figures = {}
    for tunnels in ("1", "16"):
        for way in ("down", "both"):
            found = run(running, "bulk", "--tunnels", tunnels, "--direction", way,
                        "--seconds", str(seconds))
            gigabytes = max(found["bytes"], 1) / 1e9
            figures |= {f"bulk{tunnels}{way}.gbps": gigabytes / found["seconds"],
                        f"bulk{tunnels}{way}.cpu": found["cpu"] / gigabytes}
    return figures


def tunnels_idle():
    """As many as the limit on descriptors lets a proxy hold, in whole thousands."""
    hard = int(re.search(r"Max open files\s+\d+\s+(\d+)",
                         Path("/proc/self/limits").read_text())[1])
    return min(TUNNELS_IDLE, (hard - SPARE_FILES) // 2 // 1000 * 1000)


def rest(running, below):
    """Until so much memory is back, or it does not come."""
    late = time.monotonic() + REST
    while time.monotonic() < late and memory(running.pid, "Anonymous") > below:
        time.sleep(SETTLE)


def idle(running, _seconds):
    """Memory and descriptors at each step, and what is kept when all are closed."""
    steps = []
    with Load(["idle", "--count", str(tunnels_idle()), "--steps", str(STEPS),
               *running.arguments()]) as load:
        for _ in range(STEPS + 2):
            held = load.hear()["held"]
            time.sleep(SETTLE)
            if len(steps) > STEPS:
                rest(running, below=(steps[0][1] + steps[-1][1]) / 2)
            steps.append((held, memory(running.pid, "Anonymous"), descriptors(running.pid)))
            load.go_on()
    (_, empty, files), (first, some, _), *_, (held, full, all_files), (_, left, _) = steps
    each = (full - empty) / max(held, 1)
    last = (full - some) / max(held - first, 1)
    return {"idle.held": held, "idle.anon": each, "idle.fds": (all_files - files) / max(held, 1),
            "idle.linear": last / each if each > 0 else 0,
            "idle.kept": (left - empty) / max(full - empty, 1)}


def start(running, _seconds):
    running.prepare()
    with (open(running.folder / "output", "wb") as output,
          Load(["start", *running.arguments(), "--", *running.command], output) as load):
        found = load.hear()
        if not found["first_ms"]:
            raise RuntimeError("no answer of 200")
        time.sleep(SETTLE)
        figures = {"start.ms": found["first_ms"],
                   "start.anon": memory(found["pid"], "Anonymous") / 1e6,
                   "start.pss": memory(found["pid"], "Pss") / 1e6}
        load.go_on()
    shutil.rmtree(running.folder, ignore_errors=True)
    return figures


def traced(running, arguments, tunnels):
    """Counter of the system calls that a load costs, by strace; None without it."""
    if not shutil.which("strace"):
        return None
    path = running.folder / "calls"
    command = ["strace", "-f", "-c", "-U", "name,calls", "-o", str(path)]
    for pid in tree(running.pid):
        command += ["-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        if "attached" not in tracer.stderr.readline():
            return None
        run(running, "rate", "--tunnels", "8", "--count", str(tunnels), *arguments)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(ATTACHED)
    rows = re.findall(r"^\s*(\w+)\s+(\d+)\s*$", path.read_text(), re.MULTILINE)
    return Counter({name: int(count) for name, count in rows if name != "total"})


def calls(running, _seconds):
    counts = traced(running, [], TRACED)
    if counts is None:
        return {}
    kinds = {f"calls.of.{name}": count / TRACED for name, count in counts.items()
             if count >= TRACED / 20}
    return {"calls.all": counts.total() / TRACED, **kinds}


def opened_by(path):
    """Counter of the workers that have recorded a tunnel."""
    workers = Counter()
    with open(path, encoding="utf-8") as record:
        for line in record:
            if '"event":"open"' in line:
                workers[json.loads(line)["worker"]] += 1
    return workers


def workers(running, seconds):
    figures = per_unit(run(running, "rate", "--seconds", str(1.5 * seconds)), "workers")
    record = running.folder / "audit.jsonl"
    with open(record, "r+b") as file:
        file.truncate()         # the proxy appends: what comes now begins an empty file
    run(running, "rate", "--count", str(SKEW))
    shares = opened_by(record)
    fewest = min(shares.values()) if len(shares) == running.proxy.workers else 0
    figures["workers.skew"] = max(shares.values()) / fewest if fewest else math.inf
    counts = traced(running, [], TRACED)
    if counts is not None:
        figures["workers.futex"] = counts["futex"] / TRACED
    return figures


# A group shares one process of the proxy; what reads memory has one for itself.
GROUPS = [["start"], ["idle"], ["rate", "deny", "rtt", "tls", "bulk", "workers", "calls"]]
KINDS = {"start": start, "idle": idle, "rate": rate, "deny": deny, "rtt": rtt, "tls": tls,
         "bulk": bulk, "workers": workers, "calls": calls}


def measure(running, kinds, seconds, note):
    """All figures of these kinds, as far as the proxy takes part in them."""
    figures = {}
    for group in GROUPS:
        mine = [kind for kind in group if kind in kinds & running.proxy.kinds]
        if not mine:
            continue
        note(f"{running.proxy.name}: {', '.join(mine)}")
        if mine == ["start"]:
            figures |= start(running, seconds)
            continue
        with running:
            warm_up(running)
            for kind in mine:
                figures |= KINDS[kind](running, seconds)
    return figures
