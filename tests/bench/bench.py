#!/usr/bin/python3
"""How fast the proxy is, beside a bare relay and whichever other proxies are installed.

    [SLUICE=./sluice] [LOAD=build/release/load] tests/bench/bench.py [--rounds N]
        [--only KIND,...] [--proxies NAME,...] [--seconds S] [--out FILE] [--report FILE...]

In a network namespace with nothing but loopback, with its own /etc/hosts and /etc/resolv.conf,
each proxy is started, measured and ended in turn, the order rotated from round to round.
The tables go to standard output.  It exits with 0 whatever the figures are.

--out appends the figures of each round to a file; --report prints the tables of such
files and measures nothing.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import measure  # noqa: E402  (the path is set above)
import proxies  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402

NAME_SERVER = ("127.0.0.53", 53)
SYSCTL = {
    "net/ipv4/ip_local_port_range": "1024 65535",
    "net/ipv4/ip_local_reserved_ports": "3100-3200,9000-9010",
    "net/core/somaxconn": "65535",
    "net/ipv4/tcp_max_syn_backlog": "65535",
}


ROOT = HERE.parent.parent
PROGRAMS = {"SLUICE": ROOT / "sluice", "LOAD": ROOT / "build/release/load"}


def words(text):
    return [word for word in text.split(",") if word]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=words, default=list(measure.KINDS))
    parser.add_argument("--proxies", type=words, default=[])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--report", type=Path, nargs="+")
    options = parser.parse_args()
    strange = set(options.only) - set(measure.KINDS)
    strange |= set(options.proxies) - {proxy.name for proxy in proxies.known()}
    if strange:
        parser.error(f"unknown: {', '.join(sorted(strange))}; kinds are {', '.join(measure.KINDS)}")
    return options


def note(text):
    print(text, file=sys.stderr, flush=True)


def own_network(folder):
    """Loopback alone, ports enough, and names that only exist here."""
    if os.environ[run.MOUNTS] != "1":
        sys.exit("bench.py: needs a mount namespace for its own /etc/hosts: run it as root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, value in SYSCTL.items():
        Path("/proc/sys", name).write_text(value)
    for name, text in [("hosts", proxies.HOSTS),
                       ("resolv.conf", f"nameserver {NAME_SERVER[0]}\n")]:
        (folder / name).write_text(text)
        subprocess.run(["mount", "--bind", folder / name, f"/etc/{name}"], check=True)


def know_no_name():
    """A name server for what is not in /etc/hosts: squid asks for the names of its clients."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(NAME_SERVER)
        while True:
            query, client = sock.recvfrom(512)
            sock.sendto(query[:2] + b"\x81\x83" + query[4:], client)


def taking_part(options):
    chosen = [proxy for proxy in proxies.known()
              if proxy.kinds & set(options.only)
              and (not options.proxies or proxy.name in options.proxies)]
    for proxy in chosen:
        if not proxies.installed(proxy):
            note(f"{proxy.name} is not installed: left out")
    return [proxy for proxy in chosen if proxies.installed(proxy)]


def one_round(nth, chosen, options, folder, upstream):
    """{proxy: figures}.  System calls are counted in the first round only: they hardly vary."""
    kinds = set(options.only) - ({"calls"} if nth else set())
    figures = {proxy.name: {} for proxy in chosen}
    turn = nth * 2 % len(chosen)
    for proxy in chosen[turn:] + chosen[:turn]:
        running = proxies.Running(proxy, folder, upstream)
        try:
            figures[proxy.name] = measure.measure(
                running, kinds, options.seconds,
                lambda text: note(f"round {nth + 1} of {options.rounds}, {text}"))
        except RuntimeError as problem:
            note(f"{proxy.name}: {problem}")
    return figures


def end(process):
    process.kill()
    process.wait()


def measured(options):
    folder = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        own_network(folder)
        threading.Thread(target=know_no_name, daemon=True).start()
        upstream = subprocess.Popen([os.environ["LOAD"], "upstream"])
        stack.callback(end, upstream)
        time.sleep(0.3)
        chosen = taking_part(options)
        rounds = []
        for nth in range(options.rounds):
            rounds.append(one_round(nth, chosen, options, folder, upstream.pid))
            if options.out:
                with open(options.out, "a", encoding="utf-8") as out:
                    out.write(json.dumps(rounds[-1]) + "\n")
    return rounds


def remembered(paths):
    """Rounds of several runs, each perhaps of some kinds only, put side by side."""
    rounds = []
    for path in paths:
        for nth, line in enumerate(path.read_text().splitlines()):
            if nth == len(rounds):
                rounds.append({})
            for name, figures in json.loads(line).items():
                rounds[nth].setdefault(name, {}).update(figures)
    return rounds


def main():
    for name, path in PROGRAMS.items():
        os.environ.setdefault(name, str(path))
    options = parse()
    if options.report:
        print(report.text(remembered(options.report)))
        return
    run.enter_namespace(__file__, sys.argv[1:])
    print(report.text(measured(options)))


if __name__ == "__main__":
    main()
