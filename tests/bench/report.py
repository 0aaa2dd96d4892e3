"""The tables: ratios with what is aimed at, and absolute figures.  Medians of the rounds.

A ratio is taken inside each round, between proxies that were measured within the same minute;
the table has the median of these, and the smallest and largest.
"""

import platform
import re
from collections import namedtuple
from pathlib import Path
from statistics import median

# what, the figure, of whom over whom (none: the figure itself), and its bound
Aim = namedtuple("Aim", "what figure over bound who", defaults=["sluice"])

AIMS = [
    Aim("tunnels/s, 64 at once", "rate64.per_s", "squid", ">= 1.4"),
    Aim("", "rate64.per_s", "floor", ">= 0.85"),
    Aim("", "rate64.per_s", "direct", ""),
    Aim("CONNECT p99, 64 at once", "rate64.p99", "squid", "<= 0.6"),
    Aim("tunnels/s, 512 over 64 at once, less the floor's", "rate512.of64", "-floor", ">= -0.05"),
    Aim("CPU a tunnel", "rate64.cpu", "floor", "<= 1.2"),
    Aim("", "rate64.cpu", "squid", "<= 0.75"),
    Aim("system calls a tunnel", "calls.all", None, "<= 20"),
    Aim("context switches a tunnel", "rate64.switches", None, "<= 0.2"),
    Aim("refusals/s", "deny.per_s", "squid", ">= 1.3"),
    Aim("", "deny.per_s", "floor", ">= 0.7"),
    Aim("CPU a refusal", "deny.cpu", "floor", "<= 1.5"),
    Aim("round trips/s, 64 tunnels", "rtt.per_s", "floor", ">= 0.95"),
    Aim("", "rtt.per_s", "nginx", ">= 1.1"),
    Aim("CPU a round trip", "rtt.cpu", "floor", "<= 1.05"),
    *(Aim(f"{what}, {words}", f"bulk{kind}.{figure}", over, bound)
      for kind, words in [("1down", "1 tunnel down"), ("16down", "16 tunnels down"),
                          ("16both", "16 both ways")]
      for what, figure, over, bound in [
          ("CPU a GB", "cpu", "haproxy", "<= 1.1"), ("CPU a GB", "cpu", "squid", "<= 0.6"),
          ("GB/s", "gbps", "squid", ">= 1.2"), ("GB/s", "gbps", "haproxy", ">= 0.95")]),
    Aim("idle: tunnels held", "idle.held", None, ">= 9000"),
    Aim("idle: anonymous bytes a tunnel", "idle.anon", None, "<= 640"),
    Aim("", "idle.anon", "haproxy", "<= 0.2"),
    Aim("", "idle.anon", "squid", "<= 0.02"),
    Aim("idle: the last third's bytes over the mean", "idle.linear", None, "<= 1.2"),
    Aim("idle: share of that kept when all are closed", "idle.kept", None, "<= 0.1"),
    Aim("idle: descriptors a tunnel", "idle.fds", None, "<= 2"),
    Aim("start: time to the first 200", "start.ms", "tinyproxy", "<= 1"),
    Aim("start: anonymous MB", "start.anon", None, "<= 1.2"),
    Aim("start: proportional set, MB", "start.pss", None, ""),
    Aim("2 workers: CPU a tunnel over 1 worker's", "workers.cpu", "sluice", "<= 1.1", "sluice-2"),
    Aim("2 workers: futex calls a tunnel", "workers.futex", None, "<= 0.01", "sluice-2"),
    Aim("2 workers: 10,000 tunnels, most over fewest", "workers.skew", None, "<= 1.3", "sluice-2"),
    Aim("TLS port, ClientHello judged: tunnels/s", "tls.per_s", "sluice-off", ""),
    Aim("", "tls.per_s", "floor", ""),
    Aim("TLS port, ClientHello judged: CPU a tunnel", "tls.cpu", "sluice-off", ""),
    Aim("", "tls.cpu", "floor", ""),
]

# figure, words, digits
ABSOLUTE = [
    ("rate64.per_s", "tunnels/s, 64 at once", 0), ("rate512.per_s", "tunnels/s, 512 at once", 0),
    ("rate64.p50", "CONNECT p50, ms", 2), ("rate64.p99", "CONNECT p99, ms", 2),
    ("rate512.p99", "CONNECT p99, 512 at once, ms", 1), ("rate64.cpu", "CPU a tunnel, us", 1),
    ("rate64.switches", "context switches a tunnel", 3), ("calls.all", "system calls a tunnel", 1),
    ("deny.per_s", "refusals/s", 0), ("deny.cpu", "CPU a refusal, us", 1),
    ("rtt.per_s", "round trips/s, 64 tunnels", 0), ("rtt.cpu", "CPU a round trip, us", 2),
    ("bulk1down.gbps", "GB/s, 1 tunnel down", 2), ("bulk16down.gbps", "GB/s, 16 down", 2),
    ("bulk1both.gbps", "GB/s, 1 both ways", 2), ("bulk16both.gbps", "GB/s, 16 both ways", 2),
    ("bulk1down.cpu", "CPU s/GB, 1 tunnel down", 3), ("bulk16down.cpu", "CPU s/GB, 16 down", 3),
    ("bulk1both.cpu", "CPU s/GB, 1 both ways", 3), ("bulk16both.cpu", "CPU s/GB, 16 both ways", 3),
    ("idle.held", "idle tunnels held", 0), ("idle.anon", "anonymous bytes an idle tunnel", 0),
    ("idle.fds", "descriptors an idle tunnel", 2),
    ("idle.kept", "share of them kept when closed", 2),
    ("start.ms", "first 200, ms", 1), ("start.anon", "anonymous MB at start", 2),
    ("start.pss", "proportional set at start, MB", 2),
    ("tls.per_s", "tunnels/s with a ClientHello", 0),
    ("tls.cpu", "CPU a tunnel with a ClientHello, us", 1),
    ("workers.per_s", "tunnels/s, 1 and 2 workers", 0),
    ("workers.cpu", "CPU a tunnel, 1 and 2 workers, us", 1),
]


def values(rounds, aim):
    """The figure, the ratio or the difference, of each round that has it."""
    found = []
    for of in rounds:
        mine = of.get(aim.who, {}).get(aim.figure)
        theirs = of.get((aim.over or "").lstrip("-"), {}).get(aim.figure)
        if mine is None or (aim.over and not theirs):
            continue
        found.append(mine if not aim.over else mine - theirs if aim.over[0] == "-"
                     else mine / theirs)
    return found


def met(value, bound):
    """Of the figure as it is shown."""
    if not bound:
        return ""
    sign, limit = bound.split()
    return "yes" if (value <= float(limit) if sign == "<=" else value >= float(limit)) else "**no**"


def short(value):
    """Three digits, or a whole number."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def header(*cells, words=1):
    return [row(*cells), "|" + " --- |" * words + " ---: |" * (len(cells) - words)]


def ratios(rounds):
    lines = header("what", "against", "ratio", "of the rounds", "aim", "met", words=2)
    what = ""
    for aim in AIMS:
        what = aim.what or what
        found = values(rounds, aim)
        if not found:
            continue
        middle = median(found)
        lines.append(row(what, (aim.over or "").lstrip("-"), short(middle),
                         f"{short(min(found))} to {short(max(found))}", aim.bound,
                         met(float(short(middle)), aim.bound)))
    return lines


def absolute(rounds):
    names = list(dict.fromkeys(name for of in rounds for name in of))
    lines = header("", *names)
    for figure, words, digits in ABSOLUTE:
        cells = []
        for name in names:
            found = [of[name][figure] for of in rounds if figure in of.get(name, {})]
            cells.append(f"{median(found):.{digits}f}" if found else "")
        if any(cells):
            lines.append(row(words, *cells))
    return lines


def calls(rounds):
    """The kinds of system calls of each proxy that was traced."""
    lines = []
    for of in rounds:
        for name, figures in of.items():
            kinds = {key.removeprefix("calls.of."): value for key, value in figures.items()
                     if key.startswith("calls.of.")}
            words = sorted(kinds.items(), key=lambda kind: -kind[1])
            if words:
                lines.append(f"- {name}: " + ", ".join(f"{n:.1f} {kind}" for kind, n in words))
    return lines


def failures(rounds):
    """What was not answered as it should have been; a rate with these is none."""
    return [f"- {name}, {key.removesuffix('.failed')}: {value:.0f} failed"
            for of in rounds for name, figures in of.items()
            for key, value in figures.items() if key.endswith(".failed") and value]


def machine():
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    count = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    return f"{count} x {model[1] if model else platform.machine()}, Linux {platform.release()}"


def text(rounds):
    parts = [
        [f"{machine()}; medians of {len(rounds)} rounds."],
        ratios(rounds), ["Absolute figures, which hold for this machine and this hour:"],
        absolute(rounds), ["System calls a tunnel, by kind:", "", *calls(rounds)],
        ["Failed, so that the figure beside it says little:", "", *failures(rounds)],
    ]
    empty = {"System calls a tunnel, by kind:": calls, parts[5][0]: failures}
    kept = [part for part in parts if part[0] not in empty or empty[part[0]](rounds)]
    return "\n\n".join("\n".join(part) for part in kept)
