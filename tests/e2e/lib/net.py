"""Addresses and names of the little internet in which the tests run.

Addresses under PUBLIC look global to the proxy.  Those under TRAPS are private,
loopback or metadata addresses on which something really listens: a guard that
fails would be noticed by a contact, not only by a missing refusal.
"""

PUBLIC_V4 = "93.184.215."
PUBLIC_V6 = "2606:2800:21f:cb07::"

ORIGIN = PUBLIC_V4 + "10"          # the web server of lib.origin, ports 80 and 443
ORIGIN_V6 = PUBLIC_V6 + "10"
ORIGIN_OTHER = PUBLIC_V4 + "11"    # the same server, a second address
RAW = PUBLIC_V4 + "20"             # each test starts what it needs here
RAW_V6 = PUBLIC_V6 + "20"
RAW_OTHER = PUBLIC_V4 + "21"
SILENT = PUBLIC_V4 + "40"          # accepts nothing: connects time out
NOBODY = PUBLIC_V4 + "50"          # nothing listens: connects are refused
NOWHERE = "198.41.0.4"             # no route leads there
LITERAL = PUBLIC_V4 + "30"         # contacted by address, not by name
OFFICE = "10.20.0.7"               # a private address that an operator exempts
NAT64_ORIGIN = "64:ff9b::5db8:d70a"   # ORIGIN inside the well-known prefix

TRAPS = [
    "10.0.0.5", "192.168.7.7", "172.16.3.3", "100.64.1.1", "169.254.169.254", "100.100.100.200",
    "168.63.129.16", "198.18.0.9", "127.0.0.1", "fd00:ec2::254", "fd12:3456::7", "::1",
    "64:ff9b::a00:5", "2002:a00:5::1",
]

DNS_PORT = 5353
DNS = f"127.0.0.1:{DNS_PORT}"


def addresses():
    """Every address that the loopback interface gets besides its own two."""
    mine = [PUBLIC_V4 + str(n) for n in range(10, 61)]
    mine += [PUBLIC_V6 + str(n) for n in (10, 11, 20, 21)]
    mine += [NAT64_ORIGIN, OFFICE]
    return mine + [a for a in TRAPS if a not in ("127.0.0.1", "::1")]


# name -> addresses.  Tests add none: what is not here does not exist.
HOSTS = {
    "www.example.com": [ORIGIN],
    "api.example.com": [ORIGIN],
    "upload.example.com": [ORIGIN],
    "git.example.com": [ORIGIN],
    "pip.example.com": [ORIGIN],
    "npm.example.com": [ORIGIN],
    "apt.example.com": [ORIGIN],
    "both.example.com": [ORIGIN_V6, ORIGIN],
    "six.example.com": [ORIGIN_V6],
    "denied.example.net": [ORIGIN],
    "other.example.net": [ORIGIN],
    "a.example.org": [ORIGIN],
    "deep.a.example.org": [ORIGIN],
    "example.org": [ORIGIN],
    "tls.example.com": [RAW],
    "raw.example.com": [RAW],
    "raw6.example.com": [RAW_V6],
    "other.example.com": [RAW_OTHER],
    "mcp.example.com": [ORIGIN],
    "tools.example.com": [RAW],
    "silent.example.com": [SILENT],
    "nobody.example.com": [NOBODY],
    "nowhere.example.com": [NOWHERE],
    "half.example.com": [NOBODY, ORIGIN],
    "stalled.example.com": [SILENT, ORIGIN],
    "office.example.com": [OFFICE],
    "private.example.com": ["10.0.0.5"],
    "private192.example.com": ["192.168.7.7"],
    "private172.example.com": ["172.16.3.3"],
    "shared.example.com": ["100.64.1.1"],
    "benchmark.example.com": ["198.18.0.9"],
    "loopback.example.com": ["127.0.0.1"],
    "loopback6.example.com": ["::1"],
    "local6.example.com": ["fd12:3456::7"],
    "metadata.example.com": ["169.254.169.254"],
    "metadata6.example.com": ["fd00:ec2::254"],
    "alibaba.example.com": ["100.100.100.200"],
    "wireserver.example.com": ["168.63.129.16"],
    "mapped.example.com": ["::ffff:10.0.0.5"],
    "mappedpublic.example.com": ["::ffff:" + ORIGIN],
    "nat64.example.com": [NAT64_ORIGIN],
    "nat64private.example.com": ["64:ff9b::a00:5"],
    "sixtofour.example.com": ["2002:a00:5::1"],
    "unspecified.example.com": ["0.0.0.0"],
    "mixed.example.com": ["10.0.0.5", ORIGIN, "127.0.0.1"],
    "mixed6.example.com": ["::1", "fd12:3456::7", ORIGIN],
    "mixedrefused.example.com": ["10.0.0.5", NOBODY],
}

CNAMES = {
    "alias.example.com": "www.example.com",
    "aliasprivate.example.com": "private.example.com",
}
