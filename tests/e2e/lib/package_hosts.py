"""The hosts of a package set, composed from the product's own data file."""

import re
from functools import lru_cache
from pathlib import Path

DATA = Path(__file__).resolve().parents[3] / "policy" / "data" / "package-hosts.yaml"


@lru_cache
def package_hosts(wanted="reference"):
    """Every host of that set.  Knows only the simple layout of that one file."""
    hosts, current = [], None
    for line in DATA.read_text().splitlines():
        line = line.split(" #")[0].rstrip()
        if match := re.fullmatch(r"  ([a-z-]+):", line):
            current = match[1]
        elif match := re.fullmatch(r"      ([a-z0-9.-]+): \[(.*)\]", line):
            if current == wanted:
                labels = [label.strip(' "') for label in match[2].split(",")]
                hosts += [match[1] if n == "@" else f"{n}.{match[1]}" for n in labels]
    return tuple(hosts)
