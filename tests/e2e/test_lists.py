"""Safety lists as they are published: sluice.yaml(5), SAFETY LISTS."""

import gzip
import lzma
import signal
import subprocess

import pytest

from lib import refusal, wire
from lib.sluice import binary, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

AS_IT_IS = bytes
PACKERS = {"plain": AS_IT_IS, "gzip": gzip.compress, "xz": lzma.compress}

# format, list, the line of it that blocks the name HOST
LISTS = [
    ("domains", "# one\nHOST\n", 2),
    ("hosts", "127.0.0.1 localhost\n0.0.0.0 HOST\n", 2),
    ("wildcard", "*.HOST\n", 1),
    ("adblock", "! t\n@@||api.example.com^\n||example.com/ads^\n||HOST^\n", 4),
    ("dnsmasq", "server=/api.example.com/#\nlocal=/x.example.com/HOST/\n", 2),
    ("unbound", 'server:\nlocal-zone: "HOST." always_null\n', 2),
    ("rpz", "$TTL 60\n@ SOA a. b. (1 2\n 3 4 5)\nHOST CNAME .\n", 4),
]


def written(folder, name, text, pack=AS_IT_IS):
    path = folder / name
    path.write_bytes(pack(text.encode()))
    return str(path)


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())
def test_a_list_of_each_format_is_in_force(start, tmp_path, pack):
    lists = [{"path": written(tmp_path, word, text.replace("HOST", f"{word}.example.com"), pack),
              "format": word} for word, text, _ in LISTS]
    proxy = start(unrestricted(), config={"blocklists": lists})
    for word, _, line in LISTS:
        host = f"{word}.example.com"
        refusal.check(proxy.refusal(f"{host}:443"), 403, "safety_blocklist", host)
        rule = proxy.record.wait(event="deny", host=host)["rule"]
        assert rule == {"file": str(tmp_path / word), "line": line, "entry": host,
                        "category": "malware"}
    proxy.tunnel("api.example.com:443").close()


def test_an_exception_lifts_only_what_its_own_list_blocks(start, tmp_path):
    lists = [
        {"path": written(tmp_path, "a", "||example.com^\n@@||api.example.com^\n"
                                        "@@||other.example.com^\n"), "format": "adblock"},
        {"path": written(tmp_path, "b", "other.example.com\n"), "category": "phishing"},
    ]
    proxy = start(unrestricted(), config={"blocklists": lists})
    proxy.tunnel("api.example.com:443").close()
    for host, entry in (("www.example.com", "example.com"),
                        ("other.example.com", "other.example.com")):
        refusal.check(proxy.refusal(f"{host}:443"), 403, "safety_blocklist", host)
        assert proxy.record.wait(event="deny", host=host)["rule"]["entry"] == entry


# What is refused, and a word of why.
MISFITS = [
    ("0.0.0.0 bad.example.com\n", AS_IT_IS, "domains", "look like format hosts"),
    ("||bad.example.com^\n", AS_IT_IS, "hosts", "look like format adblock"),
    ("x TXT (\nbad.example.com CNAME .\n", AS_IT_IS, "rpz", "line 1 is not closed"),
    ("", lzma.compress, "domains", "no entry"),
    ("bad.example.com\n", lambda b: lzma.compress(b)[:-1], "domains", "xz data end early"),
    ("bad.example.com\n", lambda b: gzip.compress(b)[:-1], "domains", "gzip data end early"),
    ("bad.example.com\n", lambda b: gzip.compress(b) + b"bad.example.com\n", "domains", "damaged"),
]


def test_a_list_that_does_not_fit_starts_nothing(tmp_path):
    for text, pack, word, why in MISFITS:
        path = written(tmp_path, "list", text, pack)
        done = subprocess.run([binary(), "serve", "--listen", "127.0.0.1:0", "--blocklist",
                               f"{path},format={word}"], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 2 and why in done.stderr, (why, done)


def test_a_list_that_no_longer_fits_changes_nothing(start, tmp_path):
    path = written(tmp_path, "list", "bad.example.com\n", gzip.compress)
    proxy = start(unrestricted(), config={"blocklists": [{"path": path}]})
    for text, pack, _, why in (m for m in MISFITS if m[2] == "domains"):
        said = len(proxy.errors())
        written(tmp_path, "list", text, pack)
        proxy.signal(signal.SIGHUP)
        wire.wait_for(lambda: why in proxy.errors()[said:], message=why)
        refusal.check(proxy.refusal("bad.example.com:443"), 403, "safety_blocklist")
        proxy.tunnel("api.example.com:443").close()
