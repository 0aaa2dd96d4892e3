#!/usr/bin/python3
"""What a compiled list costs a proxy that serves with it, and what the same list costs as text.

    [SLUICE=./sluice] [LOAD=build/release/load] tests/bench/images.py [--rounds N] NAMES

NAMES has one name a line, perhaps packed by xz: for example a million.  Proxies without a list,
with the compiled one and with the text are started in turn, and so is squid, if it is installed,
with the same text; the order is rotated from round to round.  Latency is of CONNECT, one at a
time, of two proxies that stand side by side and are asked alternately.  Then fifty proxies of
one host map one image, and are asked for names that it has and for others.

It exits with 0 whatever the figures are.
"""

import argparse
import lzma
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from contextlib import ExitStack
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import bench  # noqa: E402  (the path is set above)
import measure  # noqa: E402
import proxies  # noqa: E402
import run  # noqa: E402

SIDECARS, ASKED = 50, 200
PAIRS, CALLS = 100, 100
SQUID_LIST = 'acl listed dstdomain "{}"\nhttp_access deny listed\nacl bench_ports'

Bar = namedtuple("Bar", "what figure bound")
BARS = [
    Bar("first 200 with the image, over that without a list", "image.start", "<= 1.5"),
    Bar("anonymous KiB more with the image", "image.anon", "<= 256"),
    Bar("CONNECT with the image, over that without a list", "image.connect", "<= 1.02"),
    Bar(f"KiB a sidecar of {SIDECARS}, beside one image", "sidecar.kib", "<= 64"),
    Bar("first 200 with the text, over squid's with it", "text.start", "<= 0.25"),
]
TIMES = [("none.ms", "first 200 without a list, ms"), ("image.ms", "with the image, ms"),
         ("text.ms", "with the text, ms"), ("squid.ms", "squid with the text, ms"),
         ("connect.us", "CONNECT without a list, us")]


def proxies_of(names, image):
    """By name; squid may be missing."""
    def ours(name, *lists):
        files = {"sluice.yaml": proxies.sluice_config(blocklists=list(lists)),
                 "environment.yaml": proxies.ENVIRONMENT}
        command = [os.environ["SLUICE"], "serve", "--config", "$folder/sluice.yaml"]
        return proxies.Proxy(name, "--proxy", set(), files, command, [])

    text = {"path": str(names), "format": "domains", "match": "exact", "category": "malware"}
    squid = proxies.SQUID.replace("acl bench_ports", SQUID_LIST.format(names), 1)
    known = [ours("none"), ours("image", {"path": str(image)}), ours("text", text),
             proxies.Proxy("squid", "--proxy", set(), {"squid.conf": squid},
                           ["squid", "-N", "-f", "$folder/squid.conf"], ["squid"])]
    return {proxy.name: proxy for proxy in known if proxies.installed(proxy)}


def starts(known, nth, folder):
    """{name: figures} of one start of each."""
    names = list(known)
    turn = nth % len(names)
    found = {}
    for name in names[turn:] + names[:turn]:
        bench.note(f"round {nth + 1}: start, {name}")
        found[name] = measure.start(proxies.Running(known[name], folder, 0), 0)
    return found


def connect_us(running):
    """The median: whatever else the machine does meanwhile is in the slow half."""
    found = measure.run(running, "rate", "--tunnels", "1", "--count", str(CALLS))
    if found["failed"]:
        raise RuntimeError(f"{found['failed']} of {CALLS} calls failed")
    return found["p50_us"]


def latency(known, folder):
    """(the median of the ratios of pairs, microseconds a CONNECT without a list)."""
    with (proxies.Running(known["none"], folder, 0) as none,
          proxies.Running(known["image"], folder, 0, proxies.PEER_PORT + 1) as image):
        measure.warm_up(none)
        measure.warm_up(image)
        ratios, plain = [], []
        for nth in range(PAIRS):
            pair = [none, image] if nth % 2 else [image, none]
            took = {running: connect_us(running) for running in pair}
            ratios.append(took[image] / took[none])
            plain.append(took[none])
    return median(ratios), median(plain)


def ask(port, name):
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n\r\n".encode())
        return sock.recv(4096).startswith(b"HTTP/1.1 403")


def page_tables(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return next(1024 * int(line.split()[1]) for line in text.splitlines() if "VmPTE" in line)


def host_cost(proxy, folder, asked):
    """What SIDECARS of them take together: shares of shared memory, and their page tables."""
    with ExitStack() as stack:
        ports = range(proxies.PEER_PORT, proxies.PEER_PORT + SIDECARS)
        all_of_them = [stack.enter_context(proxies.Running(
            proxy._replace(name=f"{proxy.name}-{port}"), folder, 0, port)) for port in ports]
        for running, port, names in zip(all_of_them, ports, asked):
            if not all(ask(port, name) for name in names):
                raise RuntimeError(f"{running.proxy.name} did not refuse")
        time.sleep(measure.SETTLE)
        return sum(measure.memory(running.pid, "Pss") + page_tables(running.pid)
                   for running in all_of_them)


def sidecars(known, names, image, folder):
    """KiB each of them takes for the image, which is paid for once."""
    lines = names.read_text().split()
    chance = random.Random(1)
    asked = [chance.sample(lines, ASKED // 2)
             + [f"www{chance.random()}.example.net" for _ in range(ASKED // 2)]
             for _ in range(SIDECARS)]
    bench.note(f"{SIDECARS} sidecars, twice")
    without = host_cost(known["none"], folder, asked)
    more = host_cost(known["image"], folder, asked) - without
    return (more - image.stat().st_size) / SIDECARS / 1024


def one_round(known, nth, folder):
    found = starts(known, nth, folder)
    bench.note(f"round {nth + 1}: latency")
    ratio, plain = latency(known, folder)
    figures = {f"{name}.ms": each["start.ms"] for name, each in found.items()}
    figures |= {"image.start": figures["image.ms"] / figures["none.ms"],
                "image.anon": (found["image"]["start.anon"] - found["none"]["start.anon"])
                * 1e6 / 1024,
                "image.connect": ratio, "connect.us": plain}
    if "squid.ms" in figures:
        figures["text.start"] = figures["text.ms"] / figures["squid.ms"]
    return figures


def print_tables(rounds):
    def row(what, figure, bound=""):
        values = sorted(each[figure] for each in rounds if figure in each)
        if values:
            print(f"{what:<56} {median(values):9.3f}  {values[0]:9.3f} - {values[-1]:<9.3f} {bound}")

    for bar in BARS:
        row(*bar)
    print()
    for figure, what in TIMES:
        row(what, figure)


def measured(options, folder):
    names, image = folder / "names", folder / "list.slb"
    opener = lzma.open if options.names.suffix == ".xz" else open
    with opener(options.names, "rb") as packed:
        names.write_bytes(packed.read())
    subprocess.run([os.environ["SLUICE"], "blocklist", "compile", "-o", str(image),
                    f"{names},format=domains,match=exact"], check=True, stdout=subprocess.DEVNULL)
    known = proxies_of(names, image)
    rounds = [one_round(known, nth, folder) for nth in range(options.rounds)]
    rounds[0]["sidecar.kib"] = sidecars(known, names, image, folder)
    return rounds


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("names", type=Path)
    return parser.parse_args()


def main():
    for name, path in bench.PROGRAMS.items():
        os.environ.setdefault(name, str(path))
    options = parse()
    run.enter_namespace(__file__, sys.argv[1:])
    folder = Path(tempfile.mkdtemp(prefix="sluice-images-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        bench.own_network(folder)
        upstream = subprocess.Popen([os.environ["LOAD"], "upstream"])
        stack.callback(bench.end, upstream)
        time.sleep(0.3)
        print_tables(measured(options, folder))


if __name__ == "__main__":
    main()
