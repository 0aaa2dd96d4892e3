"""`sluice blocklist compile`: what becomes of lists, what is refused, and the file in its place."""

import gzip
import lzma
import os
import re
import resource
import signal
import stat
import subprocess
import time

import pytest

from lib.command import FINE, TROUBLE, expect, objects, sluice
from lib.package_hosts import package_hosts
from lib.sluice import binary, sanitized
from lib.terminal import Terminal

PACKERS = {"plain": bytes, "gzip": gzip.compress, "xz": lzma.compress}

# A list of each format that blocks FORMAT.example.com; what is accepted of it.
LISTS = [
    ("domains", "# one\nHOST\n*.below.example.com\n192.0.2.1\n", 3),
    ("hosts", "127.0.0.1 localhost\n0.0.0.0 HOST\n", 1),
    ("wildcard", "*.HOST\n=exact.example.com\n", 2),
    ("adblock", "! t\n@@||api.example.com^\n||example.net/ads^\n||HOST^\n", 2),
    ("dnsmasq", "server=/api.example.com/#\nlocal=/x.example.com/HOST/\n", 3),
    ("unbound", 'server:\nlocal-zone: "HOST." always_null\n', 1),
    ("rpz", "$TTL 60\n@ SOA a. b. (1 2\n 3 4 5)\nHOST CNAME .\n24.0.2.0.192.rpz-ip CNAME .\n", 2),
    ("cidr", "192.0.2.0/24\n2001:db8::/48\n", 2),
    ("drop", '{"cidr":"198.51.100.0/24","sblid":"SBL1"}\n', 1),
]
TALLY = ("accepted", "duplicate", "subsumed", "cancelled", "skipped")


@pytest.fixture
def folder(tmp_path):
    """Lists by name, and one.slb, which is made of a.txt."""
    lists = {"a.txt": "a.example.com\n", "b.txt": "b.example.com\n",
             "hosts.txt": "0.0.0.0 a.example.com\n0.0.0.0 b.example.com\n"}
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
    expect(FINE, "blocklist", "compile", "-o", "one.slb", "a.txt", cwd=tmp_path)
    return tmp_path


def compiled(folder, *sources, options=(), out="made.slb"):
    """The object that `compile --json` prints."""
    done = expect(FINE, "blocklist", "compile", "-o", out, *options, "--json", *sources, cwd=folder)
    [made] = objects(done.stdout)
    return made


def tally(source):
    return tuple(source[word] for word in TALLY)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# --- what becomes of lists ---------------------------------------------------------------------


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())
def test_lists_of_each_format_become_one_file(tmp_path, pack):
    sources = []
    for word, text, _ in LISTS:
        (tmp_path / word).write_bytes(pack(text.replace("HOST", f"{word}.example.com").encode()))
        sources.append(f"{word},format={word}")
    for (word, _, accepted), source in zip(LISTS, sources):
        [alone] = compiled(tmp_path, source)["sources"]
        assert alone["path"] == word and alone["accepted"] == accepted
    made = compiled(tmp_path, *sources)
    assert [s["path"] for s in made["sources"]] == [word for word, _, _ in LISTS]
    for word, text, _ in LISTS:
        if "HOST" in text:
            asked = sluice("blocklist", "lookup", "-l", "made.slb", "--json",
                           f"{word}.example.com", cwd=tmp_path)
            [answer] = objects(asked.stdout)
            assert answer["rule"]["source"] == word and asked.returncode == 1


def test_each_entry_is_counted_and_each_skipped_line_is_told(tmp_path):
    (tmp_path / "a").write_text("example.com\nwww.example.com\nexample.com\nlabel\nco.uk\n"
                                "x y\nz z\nq q\nr r\n192.0.2.9/24\n")
    (tmp_path / "b").write_text("||example.com^\n||t.example.net^\n||t.example.net^$badfilter\n"
                                "@@||api.example.org^\n||c.example.net^$popup\n")
    sources = ["a", "b,format=adblock,category=phishing"]
    made = compiled(tmp_path, *sources)
    a, b = made["sources"]
    assert tally(a) == (2, 1, 1, 0, 6) and tally(b) == (2, 0, 0, 2, 1)
    assert (a["category"], b["category"]) == ("malware", "phishing")
    skips = {skip["why"]: (skip["count"], skip["lines"]) for skip in a["skips"]}
    assert skips == {"a single label is not a name of the public DNS": (1, [4]),
                     "it is a public suffix: strangers hold the names below it": (1, [5]),
                     "it has more than one word": (4, [6, 7, 8])}
    assert a["masked"] == {"count": 1, "lines": [10]} and b["masked"] == {"count": 0, "lines": []}
    assert [s["lines"] for s in b["skips"]] == [[5]]
    assert (made["names"], made["exceptions"], made["networks"]) == (2, 1, 1)
    shown = expect(FINE, "blocklist", "compile", "-o", "made.slb", *sources, cwd=tmp_path).stdout
    for words in ("\n  a  malware: 2 accepted, 1 duplicate, 1 subsumed, 0 cancelled, 6 skipped\n",
                  "    1 skipped (line 5): it is a public suffix",
                  "    4 skipped (lines 6, 7, 8 ...): it has more than one word\n",
                  "    1 accepted (line 10): a network has bits beyond its length",
                  "\n  b  phishing: 2 accepted, 0 duplicate, 0 subsumed, 2 cancelled, 1 skipped\n",
                  "holds    2 names, 1 exceptions, 1 networks\n"):
        assert words in shown


def test_what_a_source_says_counts(tmp_path):
    (tmp_path / "names").write_text("example.com\n")
    for option, listed in (("match=exact", 0), ("match=subtree", 1), ("category=doh", 1)):
        made = compiled(tmp_path, f"names,{option}")
        assert sluice("blocklist", "lookup", "-l", "made.slb", "www.example.com",
                      cwd=tmp_path).returncode == listed
        assert made["sources"][0]["category"] == ("doh" if "doh" in option else "malware")


def test_two_compiles_have_different_keys(folder):
    seen = {(folder / "one.slb").read_bytes()}
    for _ in range(4):
        compiled(folder, "a.txt", out="one.slb")
        seen.add((folder / "one.slb").read_bytes()[16:32])
    assert len(seen) == 5


def test_names_are_kept_when_that_is_said(folder):
    many = "".join(f"n{i}.example.com\n" for i in range(1000))
    (folder / "many").write_text(many)
    short, long = (compiled(folder, "many", options=o) for o in ([], ["--names"]))
    assert (short["spelled"], long["spelled"]) == (False, True)
    assert 2000 < long["size"] - short["size"] < len(many)


# --- what is refused ---------------------------------------------------------------------------

OUT = ["-o", "one.slb"]
REFUSED = [
    ([*OUT, "none.txt"], "none.txt: cannot be opened"),
    ([*OUT, "a.txt", "none.txt", "nil.txt"], "nil.txt: cannot be opened"),
    ([*OUT, "a.txt", "hosts.txt"], "hosts.txt: it is no list of format domains"),
    ([*OUT, "a.txt,format=hosts"], "a.txt: it is no list of format hosts"),
    ([*OUT, "a.txt,format=magic"], "a.txt,format=magic: has an option with an unknown value"),
    ([*OUT, "a.txt,colour=red"], "has an unknown option"),
    ([*OUT, "hosts.txt,format=adblock,match=exact"], "has match"),
    ([*OUT, "cut.xz"], "cut.xz: its xz data end early"),
    ([*OUT, "cut.gz"], "cut.gz: its gzip data end early"),
    ([*OUT, "empty.txt"], "empty.txt: the list has no entry"),
    ([*OUT, "one.txt"], "one.txt: it is a compiled list: compile again what it was made of"),
    ([*OUT, "one.slb"], "one.slb: it is a compiled list: compile again what it was made of"),
    ([*OUT, "."], "cannot be read"),
    ([*OUT], "there must be a SOURCE, or --catalogue FILE"),
    (["a.txt"], "-o FILE.slb must say what to write"),
    (["a.txt", "-o", "one.slb"], "-o FILE.slb must say what to write"),
    (["-o", "b.txt", "a.txt"], "ends in .slb"),
    (["-o", "none/one.slb", "a.txt"], "none/one.slb: cannot be made in its folder"),
    (["-o", "folder.slb", "a.txt"], "folder.slb: cannot be written"),
    ([*OUT, "--expires", "soon", "a.txt"], "--expires: a duration is"),
    ([*OUT, "--expires", "0s", "a.txt"], "--expires: a duration is"),
    ([*OUT, "--expires", "100ms", "a.txt"], "--expires: a duration is"),
    ([*OUT, "--expires", "99999999999d", "a.txt"], "--expires: a duration is"),
    ([*OUT, "--force", "a.txt"], "no such option"),
]


@pytest.mark.parametrize("words, why", REFUSED, ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_refused_changes_nothing(folder, words, why):
    (folder / "cut.xz").write_bytes(lzma.compress(b"a.example.com\n")[:-1])
    (folder / "cut.gz").write_bytes(gzip.compress(b"a.example.com\n")[:-1])
    (folder / "empty.txt").write_text("# nothing\n")
    (folder / "one.txt").write_bytes((folder / "one.slb").read_bytes())
    (folder / "folder.slb").mkdir()
    before = files(folder)
    for form in ([], ["--json"]):
        assert why in expect(TROUBLE, "blocklist", "compile", *form, *words, cwd=folder).stderr
        assert files(folder) == before


def test_a_small_file_that_unpacks_to_more_than_there_is_memory_for(folder):
    """Also when it says nothing new: entries are kept until they are sorted."""
    most = 8 << 20
    (folder / "bomb.gz").write_bytes(gzip.compress(b"b.example\n" * (most + 1), 1))
    done = expect(TROUBLE, "blocklist", "compile", "-o", "made.slb", "bomb.gz", cwd=folder)
    assert done.stderr == f"bomb.gz: a list has at most {most} entries\n"


def test_all_bad_lists_are_told_at_once(folder):
    said = expect(TROUBLE, "blocklist", "compile", *OUT, "none.txt", "hosts.txt", "nil.txt",
                  cwd=folder).stderr
    assert all(name in said for name in ("none.txt", "hosts.txt", "nil.txt"))


def test_what_a_path_has_cannot_steer_a_terminal(tmp_path):
    name = "\x1b[2J.txt"
    (tmp_path / name).write_text("a.example.com\n")
    done = expect(FINE, "blocklist", "compile", "-o", "made.slb", name, cwd=tmp_path)
    shown = expect(FINE, "blocklist", "info", "made.slb", cwd=tmp_path)
    asked = sluice("blocklist", "lookup", "-l", "made.slb", "a.example.com", cwd=tmp_path)
    for text in (done.stdout, shown.stdout, asked.stdout):
        assert "\x1b" not in text and "\\x1b[2J.txt" in text


# --- hosts that must work ----------------------------------------------------------------------

API = "api.anthropic.com"


@pytest.mark.parametrize("above", [False, True], ids=["itself", "its parent"])
def test_a_list_that_blocks_a_canary_is_refused(folder, above):
    refused = 0
    for host in (*package_hosts(), *package_hosts("npm"), API):
        entry = host.partition(".")[2] if above else host
        if "." not in entry:
            continue
        (folder / "bad.txt").write_text(f"c.example.com\n{entry}\n")
        before = files(folder)
        done = sluice("blocklist", "compile", *OUT, "a.txt", "bad.txt,category=pastes", cwd=folder)
        if above and "is a public suffix" in done.stdout:
            continue    # and no entry, then
        assert done.returncode == TROUBLE and done.stdout == "", host
        assert f"bad.txt: its entry {entry} would block {host}, which must work" in done.stderr
        assert files(folder) == before
        refused += 1
    assert refused > 20


def test_a_canary_may_be_let_go_by_its_name(folder):
    first, second = package_hosts()[:2]
    (folder / "bad.txt").write_text(f"{first}\n{API}\n")
    words = ["--allow-canary", first, f"--allow-canary={API}"]
    below = [host for host in package_hosts() if host.endswith("." + first)]
    for allowed in ([], words[:2], words[2:]):
        expect(TROUBLE, "blocklist", "compile", *OUT, *allowed, "bad.txt,match=exact", cwd=folder)
    expect(FINE, "blocklist", "compile", *OUT, *words, "bad.txt,match=exact", cwd=folder)
    said = sluice("blocklist", "compile", *OUT, *words, "bad.txt", cwd=folder)
    assert all(f"would block {host}" in said.stderr for host in below)
    assert said.returncode == (TROUBLE if below else FINE)
    for other in ("api.example.com", "", second.upper()):
        said = expect(TROUBLE, "blocklist", "compile", *OUT, "--allow-canary", other, "a.txt",
                      cwd=folder)
        assert "none of the hosts that must work" in said.stderr


def test_a_canary_that_its_own_list_lifts_works(folder):
    parent = API.partition(".")[2]
    (folder / "ads").write_text(f"||{parent}^\n@@||{API}^\n")
    compiled(folder, "ads,format=adblock", out="one.slb")
    # An exception opens nothing of another list.
    expect(TROUBLE, "blocklist", "compile", *OUT, "ads,format=adblock", "bad.txt", cwd=folder)
    (folder / "bad.txt").write_text(f"{API}\n")
    said = expect(TROUBLE, "blocklist", "compile", *OUT, "ads,format=adblock", "bad.txt", cwd=folder)
    assert f"bad.txt: its entry {API} would block {API}" in said.stderr


# --- the file in its place ---------------------------------------------------------------------


def test_the_file_is_replaced_and_not_rewritten(folder):
    with open(folder / "one.slb", "rb") as old:
        before = old.read()
        compiled(folder, "b.txt", out="one.slb")
        assert os.fstat(old.fileno()).st_nlink == 0
        old.seek(0)
        assert old.read() == before
    assert set(files(folder)) == {"a.txt", "b.txt", "hosts.txt", "one.slb"}


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0, 0o644)])
def test_its_mode_is_that_of_any_file(folder, mask, mode):
    expect(FINE, "blocklist", "compile", *OUT, "a.txt", cwd=folder, preexec_fn=lambda:
           os.umask(mask))
    assert stat.S_IMODE((folder / "one.slb").stat().st_mode) == mode


def test_whoever_reads_meanwhile_has_one_or_the_other(folder):
    """Several write the same file, and each time it is opened it is whole."""
    many = "".join(f"n{i}.example.com\n" for i in range(20000))
    (folder / "many.txt").write_text(many)
    command = f"for i in 1 2 3 4 5; do {binary()} blocklist compile -o one.slb many.txt; done"
    writers = [subprocess.Popen(["sh", "-ec", command], cwd=folder, stdout=subprocess.DEVNULL)
               for _ in range(2)]
    read = 0
    while read < 10 or any(writer.poll() is None for writer in writers):
        expect(FINE, "blocklist", "verify", "one.slb", cwd=folder)
        read += 1
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert set(files(folder)) == {"a.txt", "b.txt", "hosts.txt", "many.txt", "one.slb"}


def test_a_full_disk_leaves_the_old_file(folder, small_disk, mount):
    out = small_disk / "one.slb"
    (folder / "many.txt").write_text("".join(f"n{i}.example.com\n" for i in range(9000)))
    expect(FINE, "blocklist", "compile", "-o", out, "a.txt", cwd=folder)
    before = files(small_disk)
    (small_disk / "filler").write_bytes(b"x" * 70000)
    said = expect(TROUBLE, "blocklist", "compile", "-o", out, "many.txt", cwd=folder).stderr
    assert "one.slb: cannot be written: No space left on device" in said
    (small_disk / "filler").unlink()
    assert files(small_disk) == before
    expect(FINE, "blocklist", "compile", "-o", out, "many.txt", cwd=folder)
    before = files(small_disk)
    mount.again(small_disk, "ro")
    said = expect(TROUBLE, "blocklist", "compile", "-o", out, "a.txt", cwd=folder).stderr
    assert "one.slb: cannot be made in its folder: Read-only file system" in said
    assert files(small_disk) == before


def test_a_limit_of_file_sizes_leaves_the_old_file(folder):
    if sanitized():
        pytest.skip("the thread sanitizer cannot start with such a limit")
    before = files(folder)
    for most in (0, 100, len(before["one.slb"]) - 1):
        said = expect(TROUBLE, "blocklist", "compile", *OUT, "b.txt", cwd=folder, preexec_fn=lambda
                      most=most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
        assert "one.slb: cannot be written: File too large" in said.stderr
        assert files(folder) == before


def test_a_compile_that_is_killed_leaves_the_old_file(folder):
    before = files(folder)
    os.mkfifo(folder / "slow")
    run = subprocess.Popen([binary(), "blocklist", "compile", *OUT, "slow"], cwd=folder)
    with open(folder / "slow", "w") as slow:
        slow.write("b.example.com\n")
        slow.flush()
        run.kill()
    assert run.wait(60) == -signal.SIGKILL
    assert files(folder) == before


# --- a terminal --------------------------------------------------------------------------------

ERASED = "\r\x1b[K"


def fed_slowly(folder, *form):
    """What a terminal shows of a compile that takes a second and more, and the status."""
    os.mkfifo(folder / "slow")
    terminal = Terminal([binary(), "blocklist", "compile", *OUT, *form, "slow"], folder)
    with open(folder / "slow", "w") as slow:
        for i in range(15):
            slow.write(f"n{i}.example.com\n")
            slow.flush()
            time.sleep(0.1)
    return terminal.end()


def test_what_takes_long_shows_that_it_goes_on(folder):
    status, shown = fed_slowly(folder)
    *drawn, report = shown.split(ERASED)
    assert status == FINE and report.startswith("one.slb\r\n")
    drawn = [part for part in drawn if part]
    assert drawn and all(re.fullmatch(r"0\.0 MiB  (slow|sorting)", part) for part in drawn)


def test_programs_are_shown_no_progress(folder):
    status, shown = fed_slowly(folder, "--json")
    assert status == FINE and len(objects(shown.replace("\r\n", "\n"))) == 1
    assert "\x1b" not in shown


def test_nothing_is_shown_where_nobody_looks(folder):
    os.mkfifo(folder / "slow")
    run = subprocess.Popen([binary(), "blocklist", "compile", *OUT, "slow"], cwd=folder,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(folder / "slow", "w") as slow:
        slow.write("b.example.com\n")
        slow.flush()
        time.sleep(1.5)
        slow.write("c.example.com\n")
    out, err = run.communicate(timeout=60)
    assert run.returncode == FINE and err == b"" and out.startswith(b"one.slb\n")


def test_what_is_quick_shows_nothing(folder):
    status, shown = Terminal([binary(), "blocklist", "compile", *OUT, "a.txt"], folder).end()
    assert status == FINE and "\x1b" not in shown


def test_a_bar_grows_to_the_end(folder):
    """The compile is stopped while it reads, for as long as makes it a long one."""
    names = "".join(f"n{i}.example.com\n" for i in range(400000))
    (folder / "many.txt").write_text(names)
    terminal = Terminal([binary(), "blocklist", "compile", *OUT, "many.txt"], folder)
    terminal.wait_to_read(folder / "many.txt")
    os.kill(terminal.pid, signal.SIGSTOP)
    time.sleep(1.2)
    os.kill(terminal.pid, signal.SIGCONT)
    status, shown = terminal.end()
    *drawn, report = shown.split(ERASED)
    bars = [re.fullmatch(r"\[(#*)(\.*)\] +(\d+) %  (many\.txt|sorting)", part)
            for part in drawn if part]
    assert status == FINE and report.startswith("one.slb\r\n")
    assert bars and all(bars) and bars[-1][4] == "sorting"
    assert all(len(bar[1]) + len(bar[2]) == 30 for bar in bars)
    percents = [int(bar[3]) for bar in bars]
    assert percents == sorted(percents) and percents[-1] == 70
