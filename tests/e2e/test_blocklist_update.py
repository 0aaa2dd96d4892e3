"""Lists that are fetched: `sluice blocklist update` against servers that err, lie and fall silent."""

import gzip
import hashlib
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import threading
import time
from collections import namedtuple
from pathlib import Path

import pytest

from lib import net, wire
from lib.feeds import Feeds, chunks, cut, page, redirect, stalled, status
from lib.package_hosts import package_hosts
from lib.sluice import SANITIZER, binary

ROOT = Path(__file__).resolve().parents[2]
FINE, FOUND, TROUBLE = 0, 1, 2
DAY = 24 * 3600
MOMENTS = 20
ETAG, OTHER_ETAG = '"one"', '"two"'
DATE = "Mon, 02 Nov 2026 10:00:00 GMT"

Done = namedtuple("Done", "status out errors")


def names(first, count=200):
    """A list of so many names: n0.FIRST.example.net, n1..."""
    return "".join(f"n{i}.{first}.example.net\n" for i in range(count))


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Updates:
    """A folder with a catalogue, and the command in it."""

    def __init__(self, folder, authority, feeds):
        self.folder = folder
        self.authority = authority
        self.feeds = feeds
        self.image = folder / "lists.slb"
        self.cache = folder / "lists.slb.cache"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self.catalogue()

    def catalogue(self, *sources, **first):
        """By default one that is fetched, `a`; keywords change it."""
        if not sources:
            first.setdefault("enabled", True)
            if "path" not in first:
                first.setdefault("url", f"{self.feeds.url}/a")
            sources = [{"name": "a", **first}]
        (self.folder / "catalogue.yaml").write_text(json.dumps({"sources": list(sources)}))

    def source(self, name, **more):
        return {"name": name, "url": f"{self.feeds.url}/{name}", "enabled": True, **more}

    def command(self, *more, trusted=True):
        trust = ["--cacert", str(self.authority.ca)] if trusted else []
        return [binary(), "blocklist", "update", "--catalogue", "catalogue.yaml",
                "-o", "lists.slb", *trust, *more]

    def sluice(self, *command):
        done = subprocess.run(command, cwd=self.folder, env=self.environment, timeout=120,
                              capture_output=True, check=False, stdin=subprocess.DEVNULL)
        assert not SANITIZER.search(done.stderr), done.stderr
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run(self, *more, trusted=True):
        return self.sluice(*self.command(*more, trusted=trusted))

    def expect(self, wanted, *more, **how):
        done = self.run(*more, **how)
        assert done.status == wanted, done
        return done

    def start(self, *more):
        return subprocess.Popen(self.command(*more), cwd=self.folder, env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def lists(self, name):
        """Whether the compiled list, whole, has this name."""
        done = self.sluice(binary(), "blocklist", "lookup", "-l", "lists.slb", "--", name)
        assert done.status in (FINE, FOUND), done
        return done.status == FOUND

    def is_whole(self):
        done = self.sluice(binary(), "blocklist", "verify", "lists.slb")
        assert done.status == FINE, done

    def info(self):
        return json.loads(self.sluice(binary(), "blocklist", "info", "--json", "lists.slb").out)

    def copies(self):
        """The last good copies, with when they were last current."""
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns)
                for path in sorted(self.cache.iterdir()) if path.name != "lock"}

    def age(self, seconds, name="a.list"):
        then = time.time() - seconds
        os.utime(self.cache / name, (then, then))


@pytest.fixture
def feeds(authority):
    server = Feeds(authority)
    yield server
    server.stop()


@pytest.fixture
def updates(tmp_path, authority, feeds):
    return Updates(tmp_path, authority, feeds)


# --- what is fetched, and what is not --------------------------------------------------------


def test_first_fetch(updates, feeds):
    feeds.pages["/a"] = page(names("first"))
    done = updates.expect(FINE)
    assert done.out.startswith("fetched    a\nlists.slb\n") and done.errors == ""
    assert updates.lists("n7.first.example.net") and updates.lists("below.n7.first.example.net")
    assert not updates.lists("first.example.net")
    [asked] = feeds.asked
    assert asked.fields["user-agent"].startswith("sluice/")
    assert not {"if-none-match", "if-modified-since", "cookie"} & set(asked.fields)
    assert (updates.cache / "a.list").read_text() == names("first")


@pytest.mark.parametrize("fields, question", [
    ({"ETag": ETAG}, {"if-none-match": ETAG}),
    ({"Last_Modified": DATE}, {"if-modified-since": DATE}),
    ({"ETag": 'W/"x"', "Last_Modified": DATE}, {"if-none-match": 'W/"x"',
                                               "if-modified-since": DATE}),
    ({"ETag": f'"{600 * "x"}"'}, {}),   # too long to be kept, and half of it is another's
    ({}, {}),
], ids=["etag", "date", "both", "long", "neither"])
def test_what_has_not_changed(updates, feeds, fields, question):
    feeds.pages["/a"] = page(names("first"), **fields)
    updates.expect(FINE)
    updates.age(DAY)
    assert updates.expect(FINE).out.startswith("unchanged  a\n")
    conditions = {n: v for n, v in feeds.asked[1].fields.items() if n.startswith("if-")}
    assert conditions == question
    assert updates.lists("n7.first.example.net")
    assert (updates.cache / "a.list").stat().st_mtime > time.time() - DAY / 2


def test_what_has_changed(updates, feeds):
    for tag, word in ((ETAG, "first"), (OTHER_ETAG, "second")):
        feeds.pages["/a"] = page(names(word), ETag=tag)
        assert updates.expect(FINE).out.startswith("fetched    a\n")
    assert updates.lists("n7.second.example.net") and not updates.lists("n7.first.example.net")
    assert updates.expect(FINE).out.startswith("unchanged  a\n")


def test_a_packed_list_and_a_packed_answer(updates, feeds):
    feeds.pages["/a"] = page(gzip.compress(names("packed").encode()))
    feeds.pages["/b"] = page(gzip.compress(names("answer").encode()), Content_Encoding="gzip")
    updates.catalogue(updates.source("a"), updates.source("b"))
    updates.expect(FINE)
    assert updates.lists("n7.packed.example.net") and updates.lists("n7.answer.example.net")
    assert (updates.cache / "b.list").read_text() == names("answer")


def test_another_address_is_another_version(updates, feeds):
    feeds.pages["/a"] = page(names("first"), ETag=ETAG)
    feeds.pages["/b"] = page(names("second"), ETag=ETAG)
    updates.expect(FINE)
    updates.catalogue(url=f"{feeds.url}/b")
    assert updates.expect(FINE).out.startswith("fetched    a\n")
    assert "if-none-match" not in feeds.asked[1].fields
    assert updates.lists("n7.second.example.net")


def test_nothing_is_fetched_that_is_off(updates, feeds):
    feeds.pages["/a"] = feeds.pages["/b"] = page(names("first"))
    updates.catalogue(updates.source("a"), updates.source("b", enabled=False),
                      {"name": "c", "url": f"{feeds.url}/c"})
    assert updates.expect(FINE).out.startswith("fetched    a\nlists.slb\n")
    assert [asked.path for asked in feeds.asked] == ["/a"]


def test_a_redirection_to_https_is_followed(updates, feeds):
    feeds.pages["/a"] = redirect("/b?c=d")
    feeds.pages["/b?c=d"] = page(names("first"), ETag=ETAG)
    updates.expect(FINE)
    assert updates.expect(FINE).out.startswith("unchanged  a\n")


@pytest.mark.covers("F3")
def test_an_address_is_data(updates, feeds):
    """What curl or a shell could take for something else arrives as it is written."""
    path = "/-o/[1-3]/$(id)/;%20*?a=@b&--insecure"
    feeds.pages[path] = page(names("first"))
    updates.catalogue(url=feeds.url + path)
    updates.expect(FINE)
    assert [asked.path for asked in feeds.asked] == [path]


def test_files_of_the_catalogue(updates):
    """Beside the catalogue; also one whose name could be an option."""
    (updates.folder / "-o").write_text(names("dash"))
    (updates.folder / "off").write_text(names("off"))
    updates.catalogue({"name": "dash", "path": "-o", "enabled": True, "max_age": "2h"},
                      {"name": "off", "path": "off"})
    for command in ([*updates.command()],
                    [binary(), "blocklist", "compile", "-o", "lists.slb", "--catalogue",
                     "catalogue.yaml"]):
        updates.image.unlink(missing_ok=True)
        done = updates.sluice(*command)
        assert done.status == FINE, done
        assert updates.lists("n7.dash.example.net") and not updates.lists("n7.off.example.net")
        assert updates.info()["expires"] is not None


# --- what goes wrong at the server -----------------------------------------------------------

LARGE = b"#" * 70_000
# Why, and the page that answers instead.
FAULTS = [
    ("curl: (22) The requested URL returned error: 404", status(404)),
    ("curl: (22) The requested URL returned error: 503", status(503)),
    ("status 204", status(204)),
    ("status 206", status(206)),
    ("curl: (18)", cut(names("cut"))),
    ("curl: (18)", chunks(names("cut").encode(), end=b"")),
    ("curl: (1) Protocol \"http\" not supported", redirect(f"http://{net.ORIGIN}/a")),
    ("curl: (1) Protocol \"file\" not supported", redirect("file:///etc/passwd")),
    ("curl: (47)", redirect("/a")),
    ("more than max_size: 64KiB", page(LARGE)),
    ("more than max_size: 64KiB", chunks(LARGE)),
    ("more than max_size: 64KiB", page(gzip.compress(LARGE), Content_Encoding="gzip")),
    ("unpacked, it has more than max_size", page(gzip.compress(names("x").encode() + LARGE))),
    ("look like format hosts", page("0.0.0.0 bad.example.net\n" * 200)),
    ("cannot be compiled", page("<!DOCTYPE html>\n<title>Sign in</title>\n")),
    ("no entry", page("")),
    ("gzip data end early", page(gzip.compress(names("cut").encode())[:-9])),
    ("shrank from 200 entries to 99", page(names("shrunk", 99))),
    ("which must work", page(names("canary") + package_hosts()[-1] + "\n")),
    ("fields of its answer are too long", page(names("x"), ETag='"' + 20_000 * "x" + '"')),
]


@pytest.mark.covers("F1", "F2")
@pytest.mark.parametrize("why, fault", FAULTS, ids=[f"{i} {f[0][:40]}" for i, f in enumerate(FAULTS)])
def test_the_last_good_copy_stays(updates, feeds, origin, why, fault):
    updates.catalogue(max_size="64KiB")
    feeds.pages["/a"] = page(names("first"), ETag=ETAG)
    updates.expect(FINE)
    copies, contacts = updates.copies(), len(origin.contacts)
    feeds.pages["/a"] = fault
    done = updates.expect(FOUND)
    assert done.out.startswith("kept       a\nlists.slb\n")
    assert why in done.errors and re.search(r"a is used as it was on 20\d\d-", done.errors)
    assert updates.lists("n7.first.example.net")
    assert updates.copies() == copies and len(origin.contacts) == contacts
    feeds.pages["/a"] = page(names("second"), ETag=OTHER_ETAG)
    assert updates.expect(FINE).out.startswith("fetched    a\n")
    assert updates.lists("n7.second.example.net")


@pytest.mark.covers("F4")
def test_no_answer(updates, feeds, hold):
    """Nobody listens, or somebody who says nothing."""
    feeds.pages["/a"] = page(names("first"))
    updates.expect(FINE)
    feeds.pages["/a"] = stalled(threading.Event(), hold, "n1.", "example.net")
    done = updates.expect(FOUND, "--timeout", "1500ms")
    assert "curl: (28)" in done.errors
    feeds.stop()
    done = updates.expect(FOUND)
    assert "curl: (7)" in done.errors and updates.lists("n7.first.example.net")


def test_what_is_too_large_is_not_waited_for(updates, feeds, hold):
    updates.catalogue(max_size="64KiB")
    feeds.pages["/a"] = chunks(LARGE, hold=hold)
    assert "more than max_size" in updates.expect(TROUBLE).errors


@pytest.mark.covers("F2")
def test_a_server_that_is_somebody_else(updates, feeds, authority):
    """A certificate of another name, or of nobody whom we know, whatever a file of the user's says."""
    (updates.folder / ".curlrc").write_text("insecure\n")
    other = Feeds(authority, net.RAW_OTHER)
    try:
        other.pages["/a"] = feeds.pages["/a"] = page(names("first"))
        done = updates.expect(TROUBLE, trusted=False)
        assert "curl: (60)" in done.errors
        updates.catalogue(url=f"{other.url}/a")
        done = updates.expect(TROUBLE)
        assert "curl: (60)" in done.errors
        assert other.asked == feeds.asked == []
    finally:
        other.stop()


def test_a_list_may_shrink_when_it_is_said(updates, feeds):
    feeds.pages["/a"] = page(names("first"))
    updates.expect(FINE)
    feeds.pages["/a"] = page(names("second", 100))
    assert updates.expect(FINE).out.startswith("fetched    a\n")    # a half is no less than it
    feeds.pages["/a"] = page(names("third", 1))
    updates.expect(FOUND)
    updates.expect(FINE, "--accept", "a")
    feeds.pages["/a"] = page(names("fourth", 99))
    updates.expect(FINE)
    feeds.pages["/a"] = page(names("fifth", 1))
    updates.expect(FINE)        # of fewer than 100 nobody can tell
    assert updates.lists("n0.fifth.example.net")


def test_a_canary_may_be_allowed(updates, feeds):
    host = package_hosts()[-1]
    feeds.pages["/a"] = page(host + "\n")
    updates.expect(TROUBLE)
    updates.expect(FINE, "--allow-canary", host)
    assert updates.lists(host)


# --- what is pinned, what is old, what was never there ---------------------------------------


@pytest.mark.covers("F2")
def test_a_pinned_list(updates, feeds):
    feeds.pages["/a"] = page(names("first"))
    updates.catalogue(sha256=digest(names("first")), max_age="1d")
    updates.expect(FINE)
    assert updates.expect(FINE).out.startswith("unchanged  a\n")
    assert len(feeds.asked) == 1        # there is no other version to ask for
    updates.age(2 * DAY)
    assert updates.expect(FINE).out.startswith("unchanged  a\n")
    assert len(feeds.asked) == 2
    updates.catalogue(sha256=digest(names("second")))
    done = updates.expect(TROUBLE)      # neither what is here nor what is there
    assert "another sha256" in done.errors and "there is no copy" in done.errors
    feeds.pages["/a"] = page(names("second"))
    assert updates.expect(FINE).out.startswith("fetched    a\n")
    assert updates.lists("n7.second.example.net")


def test_a_copy_that_is_too_old_is_left_out(updates, feeds):
    feeds.pages["/a"], feeds.pages["/b"] = page(names("old")), page(names("new"))
    updates.catalogue(updates.source("a", max_age="2d"), updates.source("b", max_age="7d"))
    updates.expect(FINE)
    feeds.pages["/a"] = status(500)
    updates.age(1 * DAY)
    assert updates.expect(FOUND).out.startswith("kept       a\n")
    assert updates.lists("n7.old.example.net")
    updates.age(3 * DAY)
    done = updates.expect(FOUND)
    assert done.out.startswith("expired    a\n") and "older than its max_age" in done.errors
    assert updates.lists("n7.new.example.net") and not updates.lists("n7.old.example.net")
    image = updates.image.read_bytes()
    feeds.pages["/b"] = status(500)
    updates.age(8 * DAY, "b.list")
    done = updates.expect(TROUBLE)
    assert "lists.slb stays as it is" in done.errors and updates.image.read_bytes() == image


def test_the_compiled_list_expires_with_its_first_list(updates, feeds):
    feeds.pages["/a"] = feeds.pages["/b"] = feeds.pages["/c"] = page(names("x"), ETag=ETAG)
    updates.catalogue(updates.source("a", max_age="14d"), updates.source("b", max_age="10d"),
                      updates.source("c"))
    updates.expect(FINE)
    feeds.pages["/a"] = status(500)
    for age, days in ((0, 10), (5, 9)):
        updates.age(age * DAY)
        updates.run()
        expires = updates.info()["expires"]
        wanted = [time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * DAY + more))
                  for more in (-600, 0)]
        assert expires[:10] in wanted


def test_what_was_never_there(updates, feeds):
    feeds.pages["/b"] = page(names("first"))
    feeds.pages["/a"] = status(304)     # of which version?
    assert "status 304" in updates.expect(TROUBLE).errors
    assert not updates.image.exists()
    updates.catalogue(updates.source("a"), updates.source("b"))
    done = updates.expect(FOUND)
    assert done.out.startswith("missing    a\nfetched    b\n") and updates.lists(
        "n7.first.example.net")


@pytest.mark.parametrize("server", [page(names("first"), ETag=ETAG), status(503)],
                         ids=["unchanged", "down"])
def test_a_copy_that_is_good_no_more(updates, feeds, server):
    """What is said of it is another thing now; the others are not held up."""
    feeds.pages["/a"] = page(names("first"), ETag=ETAG)
    feeds.pages["/b"] = page(names("other"))
    updates.catalogue(updates.source("a"), updates.source("b"))
    updates.expect(FINE)
    feeds.pages["/a"], feeds.pages["/b"] = server, page(names("more"))
    updates.catalogue(updates.source("a", format="hosts"), updates.source("b"))
    done = updates.expect(FOUND)
    assert done.out.startswith("missing    a\nfetched    b\n") and "no copy" in done.errors
    assert updates.lists("n7.more.example.net") and not updates.lists("n7.first.example.net")
    updates.catalogue(updates.source("a"), updates.source("b"))
    updates.run()
    assert updates.lists("n7.first.example.net")


# What is wrong with a file, what there is, and whether the rest is made without it.
FILES = [
    ("cannot be opened", None, {}, TROUBLE),
    ("another sha256", names("x"), {"sha256": digest("x")}, TROUBLE),
    ("no entry", "# nothing\n", {}, TROUBLE),
    ("older than its max_age", names("x"), {"max_age": "1h"}, FOUND),
]


@pytest.mark.parametrize("why, text, more, wanted", FILES, ids=[f[0] for f in FILES])
def test_a_file_that_cannot_be_used(updates, feeds, why, text, more, wanted):
    feeds.pages["/b"] = page(names("first"))
    updates.catalogue(updates.source("b"))
    updates.expect(FINE)
    image = updates.image.read_bytes()
    if text is not None:
        (updates.folder / "x").write_text(text)
        os.utime(updates.folder / "x", (time.time() - DAY,) * 2)
    local = {"name": "a", "path": "x", "enabled": True, **more}
    updates.catalogue(local, updates.source("b"))
    done = updates.expect(wanted)
    assert why in done.errors
    assert (updates.image.read_bytes() == image) == (wanted == TROUBLE)
    updates.catalogue(local)
    done = updates.sluice(binary(), "blocklist", "compile", "-o", "lists.slb", "--catalogue",
                          "catalogue.yaml")
    assert done.status == TROUBLE and why in done.errors


def test_compile_leaves_nothing_out_in_silence(updates, feeds):
    command = [binary(), "blocklist", "compile", "-o", "lists.slb", "--catalogue", "catalogue.yaml"]
    done = updates.sluice(*command)
    assert done.status == TROUBLE and "`sluice blocklist update`" in done.errors
    updates.catalogue(enabled=False)
    assert updates.sluice(*command).status == TROUBLE
    (updates.folder / "more").write_text("more.example.net\n")
    assert updates.sluice(*command, "more").status == FINE
    assert updates.lists("more.example.net") and feeds.asked == []


# --- whoever is killed, comes second, or finds the cache in disorder -------------------------


@pytest.mark.covers("F4")
def test_two_at_once(updates, feeds):
    begun, go_on = threading.Event(), threading.Event()
    feeds.pages["/a"] = stalled(begun, go_on, names("first"), names("more"))
    first = updates.start()
    try:
        assert begun.wait(wire.TIMEOUT)
        done = updates.expect(TROUBLE)
        assert "another update is at work" in done.errors
        assert len(feeds.asked) == 1
    finally:
        go_on.set()
        _, errors = first.communicate(timeout=60)
    assert first.returncode == FINE, errors
    assert updates.lists("n7.more.example.net")


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_killed_in_a_fetch(updates, feeds, hold):
    feeds.pages["/a"] = page(names("first"), ETag=ETAG)
    updates.expect(FINE)
    before = updates.copies(), updates.image.read_bytes()
    begun = threading.Event()
    feeds.pages["/a"] = stalled(begun, hold, names("second"), "x" * 1_000_000)
    killed = updates.start()
    assert begun.wait(wire.TIMEOUT)
    [curl] = children(killed.pid)
    killed.kill()
    killed.communicate()
    copies = {n: c for n, c in updates.copies().items() if n != "a.part"}
    assert (copies, updates.image.read_bytes()) == before
    hold.set()
    wire.wait_for(lambda: is_gone(curl), message="the end of curl, whom nobody reads")
    feeds.pages["/a"] = page(names("third"), ETag=OTHER_ETAG)
    updates.expect(FINE)        # also: the lock is nobody's
    assert updates.lists("n7.third.example.net") and "a.part" not in updates.copies()


@pytest.mark.covers("F4")
def test_killed_at_any_moment(updates, feeds):
    """What is in place is whole, the old or the new, and the next update has all it needs."""
    feeds.pages["/a"] = page(names("v0"), ETag='"0"')
    begun = time.monotonic()
    updates.expect(FINE)
    whole = time.monotonic() - begun
    for i in range(1, MOMENTS + 1):
        feeds.pages["/a"] = page(names(f"v{i}", 2000), ETag=f'"{i}"')
        killed = updates.start()
        time.sleep(whole * i / MOMENTS)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        updates.is_whole()
        old, new = (updates.lists(f"n7.v{j}.example.net") for j in (i - 1, i))
        assert old != new
        updates.expect(FINE)
        assert updates.lists(f"n7.v{i}.example.net")


# What somebody does to the cache, and what is to be asked then.
DISORDER = [
    ("the list has other bytes", lambda cache: (cache / "a.list").write_text(names("x")), {}),
    ("the list is gone", lambda cache: (cache / "a.list").unlink(), {}),
    ("its version is gone", lambda cache: (cache / "a.json").unlink(), {}),
    ("its version is nonsense", lambda cache: (cache / "a.json").write_text("{"), {}),
    ("its version is another's", lambda cache: (cache / "a.json").write_text(
        json.dumps({"url": "https://example.net/", "etag": ETAG, "sha256": digest(names("first"))})),
     {}),
    ("a piece was left", lambda cache: (cache / "a.part").write_text("x"), {"if-none-match": ETAG}),
]


@pytest.mark.covers("F4")
@pytest.mark.parametrize("disorder, question", [row[1:] for row in DISORDER],
                         ids=[row[0] for row in DISORDER])
def test_disorder_in_the_cache(updates, feeds, disorder, question):
    feeds.pages["/a"] = page(names("first"), ETag=ETAG)
    updates.expect(FINE)
    good = {name: copy[0] for name, copy in updates.copies().items()}
    disorder(updates.cache)
    updates.expect(FINE)
    asked = feeds.asked[1].fields
    assert {n: v for n, v in asked.items() if n.startswith("if-")} == question
    assert {name: copy[0] for name, copy in updates.copies().items()} == good
    assert updates.lists("n7.first.example.net")


def test_links_in_the_cache_lead_nowhere(updates, feeds):
    feeds.pages["/a"] = page(names("first"))
    victim = updates.folder / "victim"
    victim.write_text("mine")
    updates.cache.mkdir()
    for name in ("a.part", "a.list", "a.json"):
        (updates.cache / name).symlink_to(victim)
    updates.expect(FINE)
    assert victim.read_text() == "mine" and updates.lists("n7.first.example.net")
    (updates.cache / "lock").unlink()
    (updates.cache / "lock").symlink_to(victim)
    updates.expect(TROUBLE)


@pytest.mark.covers("F4")
def test_a_full_disk(updates, feeds, small_disk):
    feeds.pages["/a"] = page(names("first"), ETag=ETAG)
    cache = ["--cache", str(small_disk / "cache")]
    updates.expect(FINE, *cache)
    feeds.pages["/a"] = page(names("second", 10_000), ETag=OTHER_ETAG)
    done = updates.expect(FOUND, *cache)
    assert "No space left on device" in done.errors and updates.lists("n7.first.example.net")


def test_no_room_for_the_compiled_list(updates, feeds, small_disk):
    feeds.pages["/a"] = page(names("first"))
    out = small_disk / "lists.slb"
    where = ["-o", str(out), "--cache", "cache"]
    updates.expect(FINE, *where)
    image = out.read_bytes()
    feeds.pages["/a"] = page(names("second"))
    others = os.open(small_disk / "others", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError):
        while True:
            os.write(others, bytes(4096))
    os.close(others)
    done = updates.expect(TROUBLE, *where)
    assert "No space left on device" in done.errors
    assert out.read_bytes() == image and sorted(p.name for p in small_disk.iterdir()) == [
        "lists.slb", "others"]


# --- what is said ----------------------------------------------------------------------------


def test_json(updates, feeds):
    feeds.pages["/a"] = page(names("first"))
    updates.catalogue(updates.source("a"), updates.source("b"))
    done = updates.expect(FOUND, "--json")
    one, two, image = [json.loads(line) for line in done.out.splitlines()]
    assert one == {"source": "a", "result": "fetched", "problems": []}
    assert (two["source"], two["result"], len(two["problems"])) == ("b", "missing", 2)
    assert image["file"] == "lists.slb" and image["names"] == 200


def test_what_curl_says_cannot_steer_a_terminal(updates):
    """It may quote a server."""
    curl = updates.folder / "curl"
    curl.write_text("#!/bin/sh\nprintf 'curl: (9) \\033[2J\\n' >&2; exit 9\n")
    curl.chmod(0o755)
    updates.environment["PATH"] = f"{updates.folder}:{updates.environment['PATH']}"
    for more in ([], ["--json"]):
        done = updates.expect(TROUBLE, *more)
        assert "curl: (9) \\x1b[2J" in done.errors and "\x1b" not in done.errors + done.out


def test_without_standard_streams(updates, feeds):
    """What is printed must not end in a file that got the number of one of them."""
    feeds.pages["/a"] = page(names("first"))
    updates.catalogue(updates.source("b"), updates.source("a"))
    for _ in range(2):
        done = updates.sluice("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *updates.command())
        assert done == (FOUND, "", "")
    assert (updates.cache / "a.list").read_text() == names("first")
    assert (updates.cache / "lock").read_bytes() == b""
    updates.is_whole()


@pytest.mark.parametrize("more, words", [
    (["--timeout", "0s"], "--timeout"), (["--timeout", "soon"], "--timeout"),
    (["--accept", "nobody"], "nobody"), (["--accept", "off"], "off is no source"),
    (["--allow-canary", "x.example.net"], "none of the hosts"),
    (["-o", "lists.txt"], "ends in .slb"), (["--catalogue", "no-such-file"], "no-such-file"),
    (["--cache", "no/such/folder"], "cannot be made"), (["--cache", "/dev/null"], "null/lock"),
    (["operand"], "nothing more is expected"),
])
def test_wrong_usage(updates, feeds, more, words):
    updates.catalogue(updates.source("a"), updates.source("off", enabled=False))
    done = updates.expect(TROUBLE, *more)
    assert words in done.errors and done.out == ""
    assert feeds.asked == [] and not updates.image.exists()


def test_the_public_catalogue_is_off(updates, feeds):
    done = updates.expect(TROUBLE, "--catalogue", str(ROOT / "deploy/catalogue.yaml"))
    assert "no source is on: write `enabled: true`" in done.errors and feeds.asked == []


def test_without_curl(updates):
    updates.environment["PATH"] = str(updates.folder)
    done = updates.expect(TROUBLE)
    assert "curl cannot be started: No such file or directory" in done.errors


def test_progress_on_a_terminal(updates, feeds):
    begun, go_on = threading.Event(), threading.Event()
    feeds.pages["/a"] = stalled(begun, go_on, names("first"), names("more", 20_000))
    ours, theirs = pty.openpty()
    running = subprocess.Popen(updates.command(), cwd=updates.folder, env=updates.environment,
                               stdout=subprocess.DEVNULL, stderr=theirs, stdin=subprocess.DEVNULL)
    os.close(theirs)
    assert begun.wait(wire.TIMEOUT)
    time.sleep(1.2)
    go_on.set()
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:     # the terminal's other side is closed
            break
    os.close(ours)
    assert running.wait(60) == FINE
    assert re.search(rb"\d+\.\d MiB  a", shown)
    feeds.pages["/a"] = page(names("first"))
    assert updates.run("--accept", "a").errors == ""    # none where there is no terminal


def test_the_command_of_the_unit(updates, feeds):
    """What systemd runs, in folders of the test."""
    feeds.pages["/a"] = page(names("first"))
    unit = (ROOT / "deploy/sluice-blocklist.service").read_text()
    [line] = re.findall(r"^ExecStart=(.*)$", unit, re.M)
    places = {"/usr/local/sbin/sluice": binary(),
              "/etc/sluice/catalogue.yaml": "catalogue.yaml",
              "/var/lib/sluice/lists.slb": "lists.slb",
              "/var/cache/sluice": str(updates.folder / "cache")}
    words = [places.pop(word, word) for word in shlex.split(line)]
    assert places == {} and {"StateDirectory=sluice", "CacheDirectory=sluice"} <= set(unit.split())
    updates.environment["SSL_CERT_FILE"] = str(updates.authority.ca)
    done = updates.sluice(*words)
    assert done.status == FINE, done
    assert updates.lists("n7.first.example.net")
