#!/usr/bin/python3
"""Fail every allocation and every system call of the proxy once, and judge what it does then.

    SLUICE=build/faults/sluice tests/faults/run.py [--stride N] [--only SCENARIO] [--call NAME]

For each scenario, each call and each way in which it can fail: the first such call fails,
then the second, and so on until there are no more.  Two proxies are tried side by side, in a
network namespace like that of the end-to-end tests.  docs/decisions/0022 says what is allowed.
"""

import argparse
import os
import queue
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE)]

from control import FAILURES, Fault  # noqa: E402  (the path is set above)
from proxy import LANES, Proxy, Violation, demand  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from world import World  # noqa: E402

MOST = 100000           # a bound: no scenario makes so many calls


def enter_namespace():
    import importlib.util
    spec = importlib.util.spec_from_file_location("e2e_run", HERE.parent / "e2e" / "run.py")
    e2e = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(e2e)
    if os.environ.get(e2e.INSIDE) == "1":
        e2e.add_addresses()
        return
    way, problem = e2e.namespace_command()
    if way is None:
        sys.exit(f"run.py: cannot make a network namespace: {problem}")
    os.environ[e2e.INSIDE] = "1"
    os.execvp(way[0], [*way, sys.executable, __file__, *sys.argv[1:]])


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stride", type=int, default=1, help="only every Nth allocation")
    parser.add_argument("--only", action="append", help="a scenario")
    parser.add_argument("--call", action="append", help="a call")
    return parser.parse_args()


class Run:
    """The jobs, and what came of them."""

    def __init__(self, chosen, folder, world):
        self.folder, self.world = folder, world
        self.words = {}                 # (scenario, kind) -> Counter of words
        self.seconds = Counter()
        self.wrong = 0
        self.lock = threading.Lock()
        self.jobs = queue.SimpleQueue()
        for scenario in chosen.only or SCENARIOS:
            for call in self.calls(chosen, scenario):
                for error in FAILURES[call]:
                    self.add_jobs(scenario, call, error, chosen.stride)

    @staticmethod
    def calls(chosen, scenario):
        wanted = chosen.call or FAILURES
        return [c for c in wanted if c in (SCENARIOS[scenario].calls or FAILURES)]

    def add_jobs(self, scenario, call, error, stride):
        """Allocations are many: each lane takes its share of them."""
        if call != "allocation":
            self.jobs.put((scenario, call, error, 1, 1))
            return
        for lane in range(LANES):
            self.jobs.put((scenario, call, error, 1 + lane * stride, LANES * stride))

    def note(self, scenario, call, word, seconds):
        key = scenario, call if call == "allocation" else "system call"
        with self.lock:
            self.words.setdefault(key, Counter())[word] += 1
            self.seconds[key] += seconds

    def violation(self, where, problem, proxy):
        proxy.kill()
        with self.lock:
            self.wrong += 1
            print(f"\n{where}: {problem}\n{proxy.errors()}", flush=True)

    def lane(self, number):
        proxies = {}
        while True:
            try:
                scenario, *job = self.jobs.get_nowait()
            except queue.Empty:
                break
            many = SCENARIOS[scenario].many
            if many not in proxies:
                proxies[many] = self.new_proxy(number, many)
            self.job(proxies[many], scenario, *job)
        for proxy in proxies.values():
            try:
                proxy.finish()
            except Violation as problem:
                self.violation("at the end", problem, proxy)

    def new_proxy(self, number, many):
        proxy = Proxy(self.folder / f"{number}{many:d}", self.world.dns.server, number, many)
        proxy.ensure()
        proxy.control.learn()
        return proxy

    def job(self, proxy, scenario, call, error, first, step):
        for nth in range(first, MOST, step):
            began = time.monotonic()
            word = self.point(proxy, scenario, Fault(call, error, nth))
            if proxy.control.fired() == 0:
                return
            self.note(scenario, call, word, time.monotonic() - began)

    def point(self, proxy, scenario, fault):
        """One call fails once: the word for what came of it."""
        try:
            word = SCENARIOS[scenario].run(proxy, self.world, fault)
            trouble = self.world.trouble()
            demand(not trouble, f"a wrong allow: {trouble}")
            return word
        except Violation as problem:
            said = str(problem)
        except Exception:       # the driver's own, which must not end the run, nor pass
            said = traceback.format_exc()
        self.violation(f"{scenario}: {fault.call} no. {fault.nth} fails with {fault.error}",
                       said, proxy)
        return "WRONG"

    def table(self):
        print(f"\n{'scenario':10} {'kind':12} {'points':>7} {'seconds':>8}  outcomes")
        for (scenario, kind), words in self.words.items():
            outcomes = ", ".join(f"{n} {word}" for word, n in sorted(words.items()))
            print(f"{scenario:10} {kind:12} {words.total():7} "
                  f"{self.seconds[scenario, kind]:8.1f}  {outcomes}")


def main():
    chosen = options()
    if "SLUICE" not in os.environ:
        sys.exit("run.py: set SLUICE to the failure-injection build, or use `make faults`")
    enter_namespace()
    folder = Path(tempfile.mkdtemp(prefix="sluice-faults-"))
    world = World()
    run = Run(chosen, folder, world)
    began = time.monotonic()
    with ThreadPoolExecutor(LANES) as lanes:
        for lane in [lanes.submit(run.lane, n) for n in range(LANES)]:
            lane.result()
    world.stop()
    run.table()
    points = sum(words.total() for words in run.words.values())
    print(f"faults: {points} points, {run.wrong} of them wrong, {time.monotonic() - began:.0f} s")
    if run.wrong or not points:
        sys.exit(f"files of the proxies are in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
