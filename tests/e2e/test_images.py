"""Compiled lists in a running proxy: sluice.yaml(5), SAFETY LISTS."""

import os
import signal
import threading
import time

import pytest

from lib import hello, net, refusal, wire
from lib.images import asked, by_rename, compiled, many, spoil
from lib.net import NOBODY, ORIGIN, RAW_OTHER
from lib.raw import echo
from lib.sluice import refuse_to_start, sanitized, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

SOON = 60.0
LISTED, OPEN = "www.example.com", "api.example.com"
DAMAGED = "the compiled list is damaged"


def is_denied(proxy, host, port=443):
    return refusal.check(proxy.refusal(f"{host}:{port}"), 403, "safety_blocklist", host)


def opens(proxy, target=f"{OPEN}:443"):
    wire.wait_for(lambda: proxy.refusal(target).status == 200, SOON, message=f"open {target}")


def image_of(folder, *names, more=0, arguments=()):
    return compiled(folder / "list.slb", (many(*names, more=more), ""), arguments=arguments)


def with_image(start, path, **how):
    return start(unrestricted(), config={"blocklists": [{"path": str(path)}]}, **how)


# Names and addresses that are denied, and the rule: source and entry.
ADBLOCK = "||example.com^\n@@||api.example.com^\n@@||both.example.com^\n"
DENIED = [
    (LISTED, 443, "list0.txt", "example.com", "malware"),
    ("deep.a.example.org", 443, "list1.txt", "a.example.org", "phishing"),
    ("other.example.net", 80, "list1.txt", "other.example.net", "phishing"),
    (RAW_OTHER, 443, "list2.txt", f"{RAW_OTHER}/32", "hijacked"),
]


@pytest.fixture
def three(tmp_path):
    """An image of three lists."""
    nets = f"{RAW_OTHER}/32\n{NOBODY}/32\n"
    return compiled(tmp_path / "list.slb", (ADBLOCK, "format=adblock"),
                    ("a.example.org\nother.example.net\n", "category=phishing"),
                    (nets, "format=cidr,category=hijacked"))


def test_an_image_is_in_force(start, three):
    proxy = with_image(start, three)
    for host, port, source, entry, category in DENIED:
        is_denied(proxy, host, port)
        rule = proxy.record.wait(event="deny", host=host)["rule"]
        assert rule == {"file": str(three), "entry": entry, "category": category,
                        "source": source}
    for host in (OPEN, "both.example.com", "example.org", "denied.example.net"):
        proxy.tunnel(f"{host}:443").close()
    assert not [line for line in proxy.record.lines() if "would_deny" in line]


def test_a_name_that_is_denied_is_not_looked_up(start, three, refused_quietly):
    proxy = start(unrestricted(), config={
        "blocklists": [{"path": str(three)}],
        "operator": {"allow": ["*.barrier.example.com"]}})
    refused_quietly(proxy, lambda: is_denied(proxy, LISTED))


def test_listed_addresses_are_dropped(start, tmp_path):
    """Of a name that has another, which is dialled; and the only one that a name has."""
    path = compiled(tmp_path / "list.slb", (f"{NOBODY}/32\n{RAW_OTHER}/32\n", "format=cidr"))
    proxy = with_image(start, path)
    proxy.tunnel("half.example.com:443").close()
    opened = proxy.record.wait(event="open", host="half.example.com")
    assert (sorted(opened["addresses"]), opened["address"]) == ([ORIGIN, NOBODY], ORIGIN)
    is_denied(proxy, "other.example.com")
    line = proxy.record.wait(event="deny", host="other.example.com")
    assert line["addresses"] == [RAW_OTHER]
    assert line["rule"] == {"file": str(path), "entry": f"{RAW_OTHER}/32",
                            "category": "malware", "source": "list0.txt"}


def test_the_name_inside_a_tunnel_is_asked_for(start, three, raw):
    server, proxy = raw(echo), with_image(start, three)
    client = proxy.tunnel(f"{net.RAW}:443")
    client.send(hello.hello("other.example.net"))
    assert hello.is_access_denied(client.cut())
    rule = proxy.record.wait(event="close")["rule"]
    assert (rule["entry"], rule["source"]) == ("other.example.net", "list1.txt")
    assert server.contact().received == b""


def test_several_images_and_texts_at_once(start, tmp_path):
    one = compiled(tmp_path / "one.slb", ("a.example.org\n", "category=phishing"))
    two = compiled(tmp_path / "two.slb", ("denied.example.net\n", ""))
    (tmp_path / "three.txt").write_text("||other.example.net^\n")
    proxy = start(unrestricted(), arguments=[
        "--blocklist", str(one), "--blocklist", f"{tmp_path}/three.txt,format=adblock",
        "--blocklist", str(two)])
    for host, name in (("a.example.org", "one.slb"), ("denied.example.net", "two.slb"),
                       ("other.example.net", "three.txt")):
        is_denied(proxy, host)
        rule = proxy.record.wait(event="deny", host=host)["rule"]
        assert rule["file"] == str(tmp_path / name)
    proxy.tunnel(f"{OPEN}:443").close()


def test_check_and_explain_tell_of_images(three):
    answers, said = asked("check", "--blocklist", three, LISTED, OPEN, RAW_OTHER)
    assert [a["verdict"] for a in answers] == ["deny", "allow", "deny"] and "expired" not in said
    assert answers[0]["rule"] == {"file": str(three), "entry": "example.com",
                                  "category": "malware", "source": "list0.txt"}
    (story,), _ = asked("explain", "--blocklist", three, f"x.{OPEN}")
    step = next(s for s in story["steps"] if s["step"] == "safety lists")
    assert step["note"] == "lifted by an exception of the same list" and not step["decided"]
    assert step["rule"]["entry"] == OPEN and step["rule"]["source"] == "list0.txt"


# Categories: the same name on a list of each kind.

KINDS = {
    "text": lambda folder: {"path": str(folder / "list.txt"), "category": "mining"},
    "exceptions": lambda folder: {"path": str(folder / "list.txt"), "category": "mining",
                                  "format": "adblock"},
    "compiled": lambda folder: {"path": str(folder / "list.slb")},
}


@pytest.fixture(params=KINDS)
def mining(request, tmp_path):
    """A list of one name and one address, of category mining."""
    source = KINDS[request.param](tmp_path)
    if source.get("format") == "adblock":
        (tmp_path / "list.txt").write_text(f"||{LISTED}^\n||{RAW_OTHER}^\n")
    else:
        (tmp_path / "list.txt").write_text(f"{LISTED}\n{RAW_OTHER}\n")
    compiled(tmp_path / "list.slb", (f"{LISTED}\n{RAW_OTHER}\n", "category=mining"))
    return source


def categories(mode):
    return {"operator": {"categories": {"mining": mode, "mail_ports": mode}}}


def test_a_category_that_is_on(start, mining):
    proxy = start(unrestricted(), config={"blocklists": [mining], **categories("on")})
    is_denied(proxy, LISTED)
    is_denied(proxy, "other.example.com")


def test_a_category_that_is_off(start, mining):
    proxy = start(unrestricted(), config={"blocklists": [mining], **categories("off")})
    proxy.tunnel(f"{LISTED}:443").close()
    assert "would_deny" not in proxy.record.wait(event="close", host=LISTED)


def test_a_category_on_report(start, mining, raw):
    raw(echo, address=RAW_OTHER)
    proxy = start(unrestricted(), config={"blocklists": [mining], **categories("report")})
    for host in (LISTED, "other.example.com"):
        proxy.tunnel(f"{host}:443").close()
        closed = proxy.record.wait(event="close", host=host)
        opened = proxy.record.wait(event="open", host=host)
        assert opened["would_deny"] == closed["would_deny"]
        assert (opened["verdict"], opened["reason"]) == ("allow", "unrestricted")
        would = opened["would_deny"]
        assert would["reason"] == "safety_blocklist"
        assert would["rule"]["file"] == mining["path"]
        assert would["rule"]["category"] == "mining"
        assert would["rule"]["entry"].startswith(LISTED if host == LISTED else RAW_OTHER)
        assert would["rule"].get("source") == (
            "list0.txt" if mining["path"].endswith(".slb") else None)
    proxy.tunnel(f"{OPEN}:443").close()
    assert "would_deny" not in proxy.record.wait(event="close", host=OPEN)


def test_a_switch_takes_effect_on_live_tunnels(start, mining, raw):
    """A reload forgets what the old policy reported, and cuts what the new one blocks."""
    raw(echo, address=RAW_OTHER)
    proxy = start(unrestricted(), config={"blocklists": [mining], **categories("report")})
    cut, goes_on = proxy.tunnel(f"{LISTED}:80"), proxy.tunnel(f"{OPEN}:80")
    proxy.config.update(categories("off"))
    proxy.reload()
    stays = proxy.tunnel("other.example.com:443")
    stays.close()
    assert "would_deny" not in proxy.record.wait(event="close", host="other.example.com")
    proxy.config.update(categories("on"))
    proxy.reload()
    assert hello.is_access_denied(cut.cut(SOON))
    closed = proxy.record.wait(event="close", host=LISTED)
    assert (closed["reason"], "would_deny" in closed) == ("policy_changed", False)
    goes_on.close()


def test_what_would_have_been_denied_is_told_of_what_fails(start, tmp_path):
    """Most names of malware lead nowhere: the record says all the same what a list would do."""
    names = "nobody.example.com\nnone.example.com\n"
    path = compiled(tmp_path / "list.slb", (names, "category=mining"))
    proxy = start(unrestricted(), config={"blocklists": [{"path": str(path)}],
                                          **categories("report")})
    for host, reason in (("nobody.example.com", "connect_refused"),
                         ("none.example.com", "name_not_found")):
        assert proxy.refusal(f"{host}:443").status == 502
        line = proxy.record.wait(event="fail", host=host)
        assert line["reason"] == reason
        assert line["would_deny"]["rule"]["entry"] == host


def test_an_address_on_report_that_is_not_reached(start, tmp_path):
    path = compiled(tmp_path / "list.slb", (f"{NOBODY}/32\n", "format=cidr,category=mining"))
    proxy = start(unrestricted(), config={"blocklists": [{"path": str(path)}],
                                          **categories("report")})
    assert proxy.refusal("nobody.example.com:443").status == 502
    line = proxy.record.wait(event="fail", host="nobody.example.com")
    assert line["would_deny"]["rule"]["entry"] == f"{NOBODY}/32"
    proxy.tunnel("half.example.com:443").close()
    opened = proxy.record.wait(event="open", host="half.example.com")
    assert (opened["address"], "would_deny" in opened) == (ORIGIN, False)


def test_a_name_inside_on_report(start, tmp_path, raw):
    raw(echo)
    path = compiled(tmp_path / "list.slb", ("other.example.net\n", "category=mining"))
    proxy = start(unrestricted(), config={"blocklists": [{"path": str(path)}],
                                          **categories("report")})
    sent = hello.hello("other.example.net")
    client = proxy.tunnel(f"{net.RAW}:443")
    client.send(sent)
    assert client.read(len(sent)) == sent
    client.close()
    closed = proxy.record.wait(event="close")
    assert closed["verdict"] == "allow"
    assert closed["would_deny"]["rule"]["entry"] == "other.example.net"
    assert "would_deny" not in proxy.record.wait(event="open")


# The bundled list has ports, which nobody serves here.  mode, status and reason, would_deny
PORT_MODES = [("on", 403, "blocked_port", None), ("off", 502, "connect_refused", None),
              ("report", 502, "connect_refused", "blocked_port")]


@pytest.mark.parametrize("mode, status, reason, would", PORT_MODES)
def test_categories_of_the_bundled_list(start, mode, status, reason, would):
    proxy = start(unrestricted(), config=categories(mode))
    assert proxy.refusal(f"{OPEN}:587").status == status
    line = proxy.record.wait(host=OPEN, port=587)
    assert line["reason"] == reason
    assert line.get("would_deny", {}).get("reason") == would
    if would:
        rule = line["would_deny"]["rule"]
        assert (rule["file"], rule["category"]) == ("safety.list", "mail_ports")


def test_without_a_word_an_added_list_is_in_force(start, tmp_path):
    """Whatever the bundled list does with its category."""
    path = compiled(tmp_path / "list.slb", (f"{LISTED}\n", "category=doh"))
    proxy = with_image(start, path)
    is_denied(proxy, LISTED)


# Damage.

def truncated(path):
    """truncate(2): no event tells of it."""
    os.truncate(path, 4096)


def emptied(path):
    with open(path, "r+b") as file:
        file.truncate(0)


def overwritten(path):
    """By another image, shorter; the file is not closed, and so not read again."""
    other = compiled(path.parent / "other.slb", (many("denied.example.net", more=15000), ""))
    held = open(path, "r+b")
    held.write(other.read_bytes())
    held.flush()
    return held


@pytest.mark.parametrize("damage", [truncated, emptied, overwritten])
def test_a_damaged_image_denies_until_it_is_replaced(start, tmp_path, damage):
    path = image_of(tmp_path, LISTED, more=20000)
    whole = path.read_bytes()
    proxy = with_image(start, path)
    tunnel = proxy.tunnel(f"{OPEN}:80")
    held = damage(path)
    for _ in range(3):
        for host in (LISTED, OPEN, "n19999.example.net"):
            answer = is_denied(proxy, host)
            assert b"damaged" in answer.body
    line = proxy.record.wait(event="deny", host=OPEN)
    assert line["rule"] == {"file": str(path), "entry": DAMAGED}
    wire.wait_for(lambda: f"{path}: {DAMAGED}" in proxy.errors(), SOON)
    by_rename(path, whole)
    opens(proxy)
    is_denied(proxy, LISTED)
    assert proxy.errors().count(DAMAGED) == 1
    tunnel.send(b"GET /echo HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    assert tunnel.response().status == 200
    if held:
        held.close()


def test_an_image_overwritten_in_place_is_read_again_when_it_is_closed(start, tmp_path):
    path = image_of(tmp_path, LISTED, more=20000)
    proxy = with_image(start, path)
    overwritten(path).close()
    path.write_bytes((tmp_path / "other.slb").read_bytes())
    opens(proxy, f"{LISTED}:443")
    is_denied(proxy, "denied.example.net")


def test_damage_of_what_is_on_report_lets_pass(start, tmp_path):
    path = image_of(tmp_path, LISTED, more=20000)
    proxy = start(unrestricted(), config={"blocklists": [{"path": str(path)}],
                                          "operator": {"categories": {"malware": "report"}}})
    truncated(path)
    proxy.tunnel(f"{OPEN}:443").close()
    rule = proxy.record.wait(event="open", host=OPEN)["would_deny"]["rule"]
    assert rule == {"file": str(path), "entry": DAMAGED}
    wire.wait_for(lambda: DAMAGED in proxy.errors(), SOON)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-1])


def made_text(path):
    path.write_text(f"{LISTED}\n")


def spoiled_end(path):
    spoil(path, -1)


BROKEN = [
    (cut_short, "it is cut short"),
    (made_text, "it is not a compiled list"),
    (spoiled_end, "it is damaged"),
    (os.remove, "cannot be opened: No such file or directory"),
]


@pytest.mark.parametrize("damage, why", BROKEN)
def test_a_damaged_image_starts_nothing(tmp_path, damage, why):
    path = image_of(tmp_path, LISTED)
    damage(path)
    status, said = refuse_to_start(tmp_path / "s", [unrestricted()],
                                   config={"blocklists": [{"path": str(path)}]})
    assert status == 2 and f"{path}: {why}" in said, said


def spoiled_names(path):
    """A byte of what is looked at for explanations only: no lookup, no start would notice."""
    spoil(path, -40)


@pytest.mark.covers("P1")
@pytest.mark.parametrize("damage, why", [*BROKEN, (spoiled_names, "it is damaged: its bytes are")])
def test_a_reload_that_brings_a_damaged_image_changes_nothing(start, tmp_path, damage, why):
    path = image_of(tmp_path, LISTED, arguments=["--names"])
    proxy = with_image(start, path)
    new = compiled(tmp_path / "new.slb", ("denied.example.net\n", ""), arguments=["--names"])
    whole = new.read_bytes()
    damage(new)
    path.unlink() if damage is os.remove else new.rename(path)
    wire.wait_for(lambda: "reload refused" in proxy.errors(), SOON, message="refusal")
    assert f"{path}: {why}" in proxy.errors()
    is_denied(proxy, LISTED)
    proxy.tunnel("denied.example.net:443").close()
    by_rename(path, whole)
    wire.wait_for(lambda: proxy.refusal("denied.example.net:443").status == 403, SOON)
    opens(proxy, f"{LISTED}:443")


def test_what_only_a_digest_finds_does_not_hold_up_the_start(start, tmp_path):
    path = image_of(tmp_path, LISTED, arguments=["--names"])
    spoiled_names(path)
    proxy = with_image(start, path)
    is_denied(proxy, LISTED)
    proxy.tunnel(f"{OPEN}:443").close()


@pytest.mark.parametrize("key, value", [("format", "domains"), ("match", "exact"),
                                        ("category", "mining")])
def test_what_an_image_says_itself_is_not_said_again(tmp_path, key, value):
    path = image_of(tmp_path, LISTED)
    for how in ({"config": {"blocklists": [{"path": str(path), key: value}]}},
                {"arguments": ["--blocklist", f"{path},{key}={value}"]}):
        status, said = refuse_to_start(tmp_path / "s", [unrestricted()], **how)
        assert status == 2 and "which a compiled list (.slb) says itself" in said


EXPIRED = "the compiled list has expired"


def test_an_image_that_expires_warns_and_goes_on_to_block(start, tmp_path):
    path = image_of(tmp_path, LISTED, arguments=["--expires", "4s"])
    proxy = with_image(start, path)
    assert EXPIRED not in proxy.errors()
    wire.wait_for(lambda: EXPIRED in proxy.errors(), SOON, message="warning")
    is_denied(proxy, LISTED)
    proxy.reload()
    wire.wait_for(lambda: proxy.errors().count(EXPIRED) == 2, SOON, message="second warning")
    for command in ("check", "explain"):
        (answer,), said = asked(command, "--blocklist", path, LISTED)
        assert answer["verdict"] == "deny" and f"{path}: warning: {EXPIRED}" in said


# Swaps.

SWAPS = 10 if sanitized() else 100
CLIENTS = 4
PAUSE = 0.03        # between swaps, so that each is met by some thirty requests


class Load(threading.Thread):
    """Asks for a name that is always open, and one that is always listed, in turns."""

    def __init__(self, proxy, end):
        super().__init__()
        self.proxy, self.end = proxy, end
        self.opened, self.denied, self.wrong = 0, 0, []

    def once(self):
        status = self.proxy.refusal(f"{OPEN}:80").status
        self.opened += status == 200
        if status != 200:
            self.wrong.append(f"{OPEN}: {status}")
        answer = self.proxy.refusal(f"{LISTED}:80")
        self.denied += answer.status == 403
        if (answer.status, answer.reason) != (403, "safety_blocklist"):
            self.wrong.append(f"{LISTED}: {answer.status} {answer.reason}")

    def run(self):
        while not self.end.is_set():
            try:
                self.once()
            except (AssertionError, OSError) as problem:
                self.wrong.append(repr(problem))


def mappings(proxy):
    with open(f"/proc/{proxy.pid}/maps", encoding="utf-8") as maps:
        return [line.split()[-1] for line in maps if ".slb" in line]


def anonymous(proxy):
    """Resident bytes that are the process's own."""
    with open(f"/proc/{proxy.pid}/smaps_rollup", encoding="ascii") as rollup:
        return sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Anonymous:"))


def two_images(tmp_path):
    """The same name is on both; another one on the second only."""
    names = [LISTED], [LISTED, "denied.example.net"]
    return [compiled(tmp_path / f"{i}.slb", (many(*n), "")).read_bytes()
            for i, n in enumerate(names)]


@pytest.mark.covers("P2")
def test_swaps_under_load(start, tmp_path):
    images = two_images(tmp_path)
    path = tmp_path / "list.slb"
    path.write_bytes(images[0])
    proxy = with_image(start, path)
    tunnel = proxy.tunnel(f"{OPEN}:80")
    end = threading.Event()
    load = [Load(proxy, end) for _ in range(CLIENTS)]
    for thread in load:
        thread.start()
    for swap in range(1, SWAPS + 1):
        if swap == SWAPS // 5:
            settled = anonymous(proxy)
        reloads = proxy.reloads()
        by_rename(path, images[swap % 2])
        proxy.signal(signal.SIGHUP)
        wire.wait_for(lambda n=reloads: proxy.reloads() > n, SOON, 0.002, "reload")
        wanted = 403 if swap % 2 else 200
        wire.wait_for(lambda w=wanted: proxy.refusal("denied.example.net:80").status == w, SOON,
                      0.002, f"{wanted} after swap {swap}")
        time.sleep(PAUSE)
    end.set()
    for thread in load:
        thread.join()
    assert [problem for thread in load for problem in thread.wrong] == []
    assert min(min(thread.opened, thread.denied) for thread in load) >= SWAPS / 10
    tunnel.send(b"GET /echo HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    assert tunnel.response().status == 200
    wire.wait_for(lambda: mappings(proxy) == [str(path)], SOON, message="one mapping")
    if not sanitized():
        assert anonymous(proxy) - settled < 1 << 20
    assert "refused" not in proxy.errors() and DAMAGED not in proxy.errors()
