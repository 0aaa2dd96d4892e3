"""Lists as operators have them, compiled: as many names as the README beside them says.

They are no part of this repository.  tests/unit/real_lists_test.c tells why lines are skipped;
here the sums are checked, with public suffixes, which no compiled list has.
"""

from pathlib import Path

import pytest

from lib.command import FINE, expect, objects
from lib.package_hosts import package_hosts
from lib.sluice import sanitized

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

# File, format, and by the README: different entries, entries that come again, lines skipped.
LISTS = [
    ("adblock/blocklistproject.adblock.txt.xz", "adblock", 403633, 6162, 0),
    ("cidr/ipranges-cloud-ipv4.txt.xz", "cidr", 7728, 0, 0),
    ("cidr/ipranges-cloud-ipv6.txt.xz", "cidr", 12871, 0, 1),
    ("cidr/ipsum-full.tsv.xz", "cidr", 120430, 0, 0),
    ("cidr/ipsum-level3.txt.xz", "cidr", 14217, 0, 0),
    ("cidr/x4bnet-datacenter-ipv4.txt.xz", "cidr", 42566, 0, 0),
    ("cidr/x4bnet-datacenter-ipv6.txt.xz", "cidr", 8752, 0, 0),
    ("cidr/x4bnet-vpn-ipv4.txt.xz", "cidr", 10862, 0, 0),
    ("cidr/x4bnet-vpn-ipv6.txt.xz", "cidr", 498, 0, 0),
    ("dnsmasq/blocklistproject.dnsmasq.conf.xz", "dnsmasq", 91189, 52, 0),
    ("domains/benchmark-million.domains.xz", "domains", 1000000, 0, 0),
    ("domains/benchmark-probe-400k.domains.xz", "domains", 399999, 0, 1),
    ("domains/blocklistproject.domains.xz", "domains", 483207, 5287, 0),
    ("domains/crypt0rr-doh-dns.list", "domains", 238, 0, 0),
    ("domains/crypt0rr-doh-ipv4.list", "domains", 179, 0, 0),
    ("domains/crypt0rr-doh-ipv6.list", "cidr", 157, 0, 0),
    ("domains/disposable-email.domains.xz", "domains", 8335, 0, 0),
    ("domains/maltrail-malware.domains.xz", "domains", 1109725, 0, 2),
    ("hosts/blocklistproject.hosts.xz", "hosts", 278823, 382, 0),
    ("hosts/derived-blocklistproject.hosts.xz", "hosts", 483207, 0, 0),
    ("mixed/maltrail-raw-sample.txt.xz", "domains", 8367, 540, 60592),
    ("rpz/ph00lt0.rpz.xz", "rpz", 29498, 0, 0),
    ("unbound/ph00lt0.unbound.conf.xz", "unbound", 29498, 0, 0),
    ("wildcard/ph00lt0.wildcard.txt.xz", "wildcard", 29498, 0, 0),
]
BROWSERS = ("adblock/ph00lt0.adblock.txt.xz", 30239, 1989)


@pytest.fixture(autouse=True)
def real_lists():
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not here")
    if sanitized():
        pytest.skip("real_lists_test reads them under a sanitizer")


def compiled(folder, path, word):
    """The tally of the list, with `suffixes`, which are not in `skipped` then."""
    done = expect(FINE, "blocklist", "compile", "-o", "made.slb", "--json",
                  f"{DATA / path},format={word}", cwd=folder)
    [made] = objects(done.stdout)
    [source] = made["sources"]
    source["suffixes"] = sum(skip["count"] for skip in source["skips"]
                             if "public suffix" in skip["why"])
    source["skipped"] -= source["suffixes"]
    assert made["names"] + made["networks"] + made["exceptions"] == source["accepted"]
    return source


@pytest.mark.parametrize("path, word, different, again, skipped", LISTS,
                         ids=[path for path, *_ in LISTS])
def test_counts_are_those_of_the_readme(tmp_path, path, word, different, again, skipped):
    got = compiled(tmp_path, path, word)
    kept = got["accepted"] + got["subsumed"]
    assert kept + got["duplicate"] + got["suffixes"] == different + again
    # A suffix that comes twice is skipped twice.
    assert different - got["suffixes"] <= kept <= different
    assert (got["skipped"], got["cancelled"]) == (skipped, 0)
    expect(FINE, "blocklist", "verify", "made.slb", cwd=tmp_path)
    expect(FINE, "blocklist", "lookup", "-l", "made.slb", *package_hosts(), cwd=tmp_path)


def test_rules_for_browsers_are_skipped_and_counted(tmp_path):
    """1,664 of the 1,666 of the README, and 325 more that are no rules about hosts either."""
    path, entries, skipped = BROWSERS
    got = compiled(tmp_path, path, "adblock")
    assert got["skipped"] == skipped
    assert sum(got[word] for word in ("accepted", "duplicate", "subsumed", "cancelled",
                                      "suffixes")) == entries


def test_all_names_become_one_list(tmp_path):
    """A million and a half, of five formats."""
    sources = [f"{DATA / path},format={word}" for path, word, *_ in LISTS
               if word != "cidr" and not path.startswith("mixed")]
    done = expect(FINE, "blocklist", "compile", "-o", "made.slb", "--json", *sources, cwd=tmp_path)
    [made] = objects(done.stdout)
    assert made["names"] > 1_400_000 and made["size"] / made["names"] < 8
    expect(FINE, "blocklist", "verify", "made.slb", cwd=tmp_path)
