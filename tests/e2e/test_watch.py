"""A file of the policy that changes is read again without a signal: sluice(8), SIGNALS AND RELOAD.

Looks are taken 200 ms after the last event and 2 s after the first at the latest; the tests
wait for what must come generously, and for what must not come longer than that.
"""

import os
import re
import shutil
import subprocess
import time
from collections import namedtuple

import pytest

from lib import files, wire
from lib.dns import A, Answer
from lib.net import NOBODY, ORIGIN
from lib.raw import echo
from lib.sluice import agent, limited, text_of, unrestricted

HOST, OTHER = "www.example.com", "api.example.com"
TARGET = f"{HOST}:443"
CLOSED, OPEN = limited("tls.example.com"), limited("tls.example.com", HOST)
PACKAGES = "version: 1\nsets:\n  mine:\n    source: a test\n    date: 2026-01-01\n" \
           "    domains: {example.com: [%s]}\n"
BROKEN = "name: e2e\nconfig:\n  type: cloud\n  networking:\n    type: limited\n    allowed: []\n"
SETTLED = 2.5       # after it, whatever an event brings about has happened
SOON = 30.0         # on a machine that is busy with everything else

# A file, its text while the host is denied, the text that opens it, and what names the file.
Kind = namedtuple("Kind", "file closed open environment config agents")


def kind(file, closed, open_, environment=CLOSED, config=None, agents=()):
    return Kind(file, closed, open_, environment, config or {}, agents)


KINDS = {
    "environment": kind("env0.yaml", text_of(CLOSED), text_of(OPEN)),
    "agent": kind("agent0.yaml", text_of(agent(("m", "https://mcp.example.com/"))),
                  text_of(agent(("m", f"https://{HOST}/"))),
                  limited("tls.example.com", mcp=True), agents=[agent()]),
    "list": kind("deny.txt", f"{HOST}\n", "denied.example.net\n", unrestricted(),
                 {"blocklists": [{"path": "deny.txt"}]}),
    "packages": kind("mine.yaml", PACKAGES % "npm", PACKAGES % "www",
                     limited("tls.example.com", packages=True),
                     {"packages": {"file": "mine.yaml", "sets": ["mine"]}}),
    "folder": kind("documents/env.yaml", text_of(CLOSED), text_of(OPEN),
                   config={"environments": ["documents"]}),
}


def status(proxy, target=TARGET):
    return proxy.refusal(target).status


def opens(proxy):
    """Without a signal, the host is open after a while."""
    wire.wait_for(lambda: status(proxy) == 200, SOON, message="open host")


def stays_closed(proxy, seconds=SETTLED):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert status(proxy) == 403
        time.sleep(0.1)


def refusals(proxy):
    return proxy.errors().count("reload refused")


def is_refused(proxy, times, because):
    """The reload was refused for that reason, and the policy is what it was."""
    wire.wait_for(lambda: refusals(proxy) >= times, SOON, message="refusal")
    assert re.search(because, proxy.errors()), proxy.errors()
    assert status(proxy) == 403 and status(proxy, "tls.example.com:80") != 403


@pytest.fixture
def begin(start):
    """begin(kind, way): a proxy that denies the host; and the file of that kind."""
    def run(what, way):
        def prepare(proxy):
            path = proxy.folder / what.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(what.closed)
            if way == "volume":
                files.as_volume(path.parent, path.name)

        proxy = start(what.environment, config=what.config, agents=what.agents, prepare=prepare)
        assert status(proxy) == 403
        return proxy, proxy.folder / what.file
    return run


@pytest.mark.parametrize("way", files.WAYS)
@pytest.mark.parametrize("what", KINDS)
def test_a_changed_file_is_read_again(begin, what, way):
    proxy, path = begin(KINDS[what], way)
    files.WAYS[way](path, KINDS[what].open)
    opens(proxy)
    wire.wait_for(lambda: proxy.reloads(str(path)) >= 1, message="line that names it")
    assert proxy.reloads("SIGHUP") == 0


@pytest.mark.parametrize("way", files.WAYS)
def test_the_operators_file_is_read_again(start, way):
    prepare = None
    if way == "volume":
        def prepare(proxy):
            files.as_volume(proxy.folder, "sluice.yaml", "env0.yaml")
    proxy = start(CLOSED, prepare=prepare)
    proxy.config["operator"] = {"allow": [HOST]}
    files.WAYS[way](proxy.config_path, text_of(proxy.config))
    opens(proxy)
    named = ".yaml" if way == "volume" else "sluice.yaml"   # both files of a volume are others
    wire.wait_for(lambda: proxy.reloads(named) >= 1, message="line that names it")


def test_it_is_read_again_each_time(start):
    """Also the second swap of a volume, whose first folder is gone by then."""
    proxy = start(CLOSED, prepare=lambda p: files.as_volume(p.folder, "env0.yaml"))
    for document, wanted in ((OPEN, 200), (CLOSED, 403)) * 3:
        files.by_volume_swap(proxy.environments[0], text_of(document))
        wire.wait_for(lambda: status(proxy) == wanted, SOON, message=f"{wanted}")


@pytest.mark.covers("P2")
def test_live_tunnels_are_judged_again(start, raw):
    raw(echo, port=80)
    proxy = start(limited("raw.example.com", HOST))
    goes_on = proxy.tunnel(f"{HOST}:80")
    cut = proxy.tunnel("raw.example.com:80")
    cut.send(b"ping")
    assert cut.read(4) == b"ping"
    files.by_rename(proxy.environments[0], text_of(limited(HOST)))
    assert cut.cut(SOON) == b""
    proxy.record.wait(event="close", reason="policy_changed", host="raw.example.com")
    goes_on.send(f"GET /echo HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert goes_on.response().status == 200


@pytest.mark.covers("P1")
def test_a_broken_document_changes_nothing_and_is_read_once(start):
    proxy = start(CLOSED)
    files.by_rename(proxy.environments[0], BROKEN)
    is_refused(proxy, 1, r"env0\.yaml:6:5: .*allowed")
    time.sleep(SETTLED)
    assert refusals(proxy) == 1, "nothing has changed since"
    files.by_rename(proxy.environments[0], text_of(OPEN))
    opens(proxy)


@pytest.mark.covers("P1")
def test_a_broken_operators_file_is_mended(start):
    proxy = start(CLOSED)
    files.in_place(proxy.config_path, "listeners: [")
    is_refused(proxy, 1, r"sluice\.yaml:\d+:\d+: ")
    proxy.config["operator"] = {"allow": [HOST]}
    files.in_place(proxy.config_path, text_of(proxy.config))
    opens(proxy)


@pytest.mark.covers("P1")
def test_a_document_that_is_gone_comes_back(start):
    proxy = start(CLOSED)
    proxy.environments[0].unlink()
    is_refused(proxy, 1, r"env0\.yaml: .*No such file")
    proxy.environments[0].write_text(text_of(OPEN))
    opens(proxy)


def test_a_link_that_leads_nowhere_is_followed_again(start):
    proxy = start(CLOSED)
    path = proxy.environments[0]
    aside = path.with_name("aside.yaml")
    path.rename(aside)
    path.symlink_to("nowhere.yaml")
    is_refused(proxy, 1, r"env0\.yaml: .*No such file")
    aside.write_text(text_of(OPEN))
    (path.parent / "nowhere.yaml").symlink_to(aside.name)
    opens(proxy)


def test_a_file_that_is_still_being_written_is_not_read(start):
    """Created, and not closed: half a list would block half of what it should."""
    proxy = start(unrestricted(), config={"blocklists": [{"path": "deny.txt"}]},
                  prepare=lambda p: (p.folder / "deny.txt").write_text(f"{HOST}\n"))
    path = proxy.folder / "deny.txt"
    path.unlink()
    with open(path, "w", encoding="ascii") as half:
        half.write("denied.example.net\n")
        half.flush()
        stays_closed(proxy, 1.0)
        half.write(f"{HOST}\n")
    wire.wait_for(lambda: status(proxy, "denied.example.net:443") == 403, SOON)
    assert status(proxy) == 403 and proxy.reloads() == 1


@pytest.mark.covers("P1")
def test_what_was_half_written_is_read_again_when_it_is_whole(start):
    proxy = start(CLOSED)
    text = text_of(OPEN)
    path = proxy.environments[0]
    path.write_text(text[:40])
    is_refused(proxy, 1, r"env0\.yaml:\d+:\d+: ")
    with open(path, "a", encoding="ascii") as rest:
        rest.write(text[40:])
    opens(proxy)


def test_a_signal_and_an_event_are_one_reload(start):
    proxy = start(CLOSED)
    proxy.rewrite(OPEN)
    opens(proxy)
    time.sleep(SETTLED)
    assert proxy.reloads() == 1


def test_a_signal_reads_again_what_has_not_changed(start):
    proxy = start(CLOSED)
    proxy.signal(1)
    wire.wait_for(lambda: proxy.reloads("SIGHUP") == 1, SOON, message="reload")
    proxy.signal(1)
    wire.wait_for(lambda: proxy.reloads("SIGHUP") == 2, SOON, message="second reload")


def in_folder(proxy):
    folder = proxy.folder / "documents"
    folder.mkdir()
    (folder / "env.yaml").write_text(text_of(CLOSED))


@pytest.fixture
def folder(start):
    """A proxy whose environments are a folder; and the folder."""
    proxy = start(config={"listeners": [{"address": "127.0.0.1:0", "environment": "e2e"}],
                          "environments": ["documents"]}, prepare=in_folder)
    return proxy, proxy.folder / "documents"


def has_environments(proxy, count):
    wire.wait_for(lambda: f"reloaded: {count} environments" in proxy.errors(), SOON,
                  message=f"{count} environments")


def test_a_folder_gains_and_loses_a_document(folder):
    proxy, path = folder
    (path / "second.yaml").write_text(text_of(unrestricted("second")))
    has_environments(proxy, 2)
    (path / "second.yaml").unlink()
    has_environments(proxy, 1)


def test_what_a_folder_does_not_show_changes_nothing(folder):
    proxy, path = folder
    (path / ".env.yaml.swp").write_text("an editor's")
    (path / ".env.yaml.swp").unlink()
    (path.parent / "unrelated.yaml").write_text("name: [")
    time.sleep(SETTLED)
    assert "reload" not in proxy.errors()


@pytest.mark.parametrize("above", [0, 1], ids=["itself", "the one above"])
def test_a_folder_is_removed_and_made_again(start, above):
    def prepare(proxy):
        (proxy.folder / "a" / "documents").mkdir(parents=True)
        (proxy.folder / "a" / "documents" / "env.yaml").write_text(text_of(CLOSED))

    proxy = start(CLOSED, config={"environments": ["a/documents"]}, prepare=prepare)
    path = proxy.folder / "a" / "documents"
    for document, wanted in ((OPEN, 200), (CLOSED, 403)):
        said = refusals(proxy)
        shutil.rmtree(path.parents[above - 1] if above else path)
        wire.wait_for(lambda: refusals(proxy) > said, SOON, message="refusal")
        path.mkdir(parents=True)
        (path / "env.yaml").write_text(text_of(document))
        wire.wait_for(lambda: status(proxy) == wanted, SOON, message=f"{wanted}")


def test_a_folder_is_there_again_long_before_its_file(start):
    def prepare(proxy):
        (proxy.folder / "a").mkdir()
        (proxy.folder / "a" / "env.yaml").write_text(text_of(CLOSED))

    proxy = start(CLOSED, config={"environments": ["a/env.yaml"]}, prepare=prepare)
    path = proxy.folder / "a" / "env.yaml"
    shutil.rmtree(path.parent)
    is_refused(proxy, 1, r"env\.yaml: .*No such file")
    path.parent.mkdir()
    time.sleep(SETTLED)
    assert refusals(proxy) == 1
    path.write_text(text_of(OPEN))
    opens(proxy)


def test_another_folder_in_the_place_of_one_that_was_named_is_out_of_reach(start, tmp_path):
    """Unless it is below one that was named: a confined process knows folders, not their names."""
    path = tmp_path / "alone" / "env.yaml"
    path.parent.mkdir()
    path.write_text(text_of(CLOSED))
    proxy = start(config={"environments": [str(path)]})
    path.parent.rename(tmp_path / "old")     # it stays, so that no other has its number
    is_refused(proxy, 1, r"env\.yaml: .*No such file")
    path.parent.mkdir()
    path.write_text(text_of(OPEN))
    is_refused(proxy, 2, r"env\.yaml: it is in no folder .* restart it")


def test_a_folder_is_replaced_by_another(folder):
    proxy, path = folder
    new = path.with_name("new")
    new.mkdir()
    (new / "env.yaml").write_text(text_of(OPEN))
    path.rename(path.with_name("old"))
    new.rename(path)
    opens(proxy)


def test_what_the_configuration_names_later_is_watched_and_nothing_else(start):
    proxy = start(unrestricted(), config={"blocklists": [{"path": "old.txt"}]},
                  prepare=lambda p: (p.folder / "old.txt").write_text(f"{HOST}\n"))
    (proxy.folder / "later").mkdir()
    new = proxy.folder / "later" / "new.txt"
    new.write_text(f"{HOST}\n")
    proxy.config["blocklists"] = [{"path": "later/new.txt"}]
    files.by_rename(proxy.config_path, text_of(proxy.config))
    wire.wait_for(lambda: proxy.reloads("sluice.yaml") == 1, SOON, message="reload")
    (proxy.folder / "old.txt").write_text("nobody.example.com\n")
    time.sleep(SETTLED)
    assert proxy.reloads() == 1
    files.in_place(new, "nobody.example.com\n")
    opens(proxy)
    assert proxy.reloads("new.txt") == 1


def test_a_file_that_a_refused_configuration_names_is_waited_for(start):
    proxy = start(CLOSED)
    proxy.config["environments"] = ["later.yaml"]
    files.by_rename(proxy.config_path, text_of(proxy.config))
    is_refused(proxy, 1, r"later\.yaml: .*No such file")
    files.by_rename(proxy.folder / "later.yaml", text_of(OPEN))
    opens(proxy)


def test_a_storm_of_touches_makes_few_reloads(start):
    proxy = start(CLOSED)
    time.sleep(SETTLED)     # so that the look after the start has been
    begun = time.monotonic()
    for _ in range(1000):
        os.utime(proxy.environments[0])
        time.sleep(0.001)
    lasted = time.monotonic() - begun
    wire.wait_for(lambda: proxy.reloads() >= 1, SOON, message="reload")
    time.sleep(SETTLED)
    assert proxy.reloads() <= 2 + lasted / 0.2, "at most one each 200 ms"
    files.by_rename(proxy.environments[0], text_of(OPEN))
    opens(proxy)


def test_more_events_than_the_kernel_keeps(start):
    """The queue overflows with the names of others; the change that matters is lost."""
    proxy = start(CLOSED)
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as limit:
        events = int(limit.read())
    if events > 100_000:
        pytest.skip(f"{events} events would be needed")
    noise = [proxy.folder / "noise1", proxy.folder / "noise2"]
    noise[0].touch()
    time.sleep(SETTLED)     # the look after the start would see the change by itself
    with proxy.stopped():
        for i in range(events // 2 + 1):
            noise[i % 2].rename(noise[(i + 1) % 2])
        files.by_rename(proxy.environments[0], text_of(OPEN))
    opens(proxy)


def starved(limit):
    """A wrapper in whose user namespace inotify is given nothing."""
    script = f'echo 0 >/proc/sys/user/{limit} && exec "$@"'
    wrapper = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespace can be made here")
    return wrapper


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_without_inotify_a_signal_still_reloads(start, limit):
    proxy = start(CLOSED, wrapper=starved(limit))
    said = [line for line in proxy.errors().splitlines() if "SIGHUP reads" in line]
    assert len(said) == 1, proxy.errors()
    time.sleep(SETTLED)     # the one look after the start needs no event
    files.by_rename(proxy.environments[0], text_of(OPEN))
    stays_closed(proxy)
    proxy.signal(1)
    opens(proxy)
    assert proxy.errors().count("SIGHUP reads") == 1


def test_resolv_conf_is_a_file_of_the_policy(start, names, own_etc):
    """Where the configuration names no server, those of resolv.conf(5) are asked."""
    for address, answer in (("127.0.0.53", NOBODY), ("127.0.0.54", ORIGIN)):
        names(lambda name, kind, nth, at=answer: Answer(at) if kind == A else Answer(),
              address=address, port=53)
    etc, wrapper = own_etc
    (etc / "resolv.conf").write_text("nameserver 127.0.0.53\n")

    def prepare(proxy):
        del proxy.config["resolver"]["servers"]
        proxy.write_config()

    proxy = start(OPEN, wrapper=wrapper, prepare=prepare)
    assert status(proxy) == 502
    files.by_rename(etc / "resolv.conf", "nameserver 127.0.0.54\n")
    opens(proxy)
    assert proxy.reloads("/etc/resolv.conf") == 1
