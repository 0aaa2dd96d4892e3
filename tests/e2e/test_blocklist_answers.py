"""`sluice blocklist info`, `lookup`, `verify` and `diff`: what is said of lists, and with what status."""

import os
import re
import subprocess
import time

import pytest

from lib.command import FINE, FOUND, TIMEOUT, TROUBLE, expect, objects, sluice
from lib.images import compiled, many
from lib.sluice import SANITIZER, binary

ADS = ("||ads.example.net^\n@@||ok.ads.example.net^\n||hot.ads.example.net^$important\n"
       "@@||hot.ads.example.net^\n")
NAMES = "example.com\n*.below.example.org\n192.0.2.0/24\n2001:db8::/48\n"


def compile_lists(folder, out, *words):
    expect(FINE, "blocklist", "compile", "-o", out, *words, cwd=folder)


@pytest.fixture
def folder(tmp_path):
    """names and ads, and named.slb and hashed.slb of both, with and without their spelling."""
    (tmp_path / "names").write_text(NAMES)
    (tmp_path / "ads").write_text(ADS)
    sources = ["names,match=subtree", "ads,format=adblock,category=phishing"]
    compile_lists(tmp_path, "named.slb", "--names", *sources)
    compile_lists(tmp_path, "hashed.slb", *sources)
    return tmp_path


# --- info --------------------------------------------------------------------------------------


def test_info_says_what_compile_said(folder):
    words = ["-o", "made.slb", "--names", "--expires", "7d", "names"]
    made = expect(FINE, "blocklist", "compile", *words, cwd=folder).stdout
    assert expect(FINE, "blocklist", "info", "made.slb", cwd=folder).stdout == made
    [made] = objects(expect(FINE, "blocklist", "compile", "--json", *words, cwd=folder).stdout)
    [told] = objects(expect(FINE, "blocklist", "info", "--json", "made.slb", cwd=folder).stdout)
    for source in made["sources"]:
        del source["skips"], source["masked"]   # which lines these were is not kept
    assert told == made
    assert told["size"] == (folder / "made.slb").stat().st_size
    assert (told["names"], told["exceptions"], told["networks"]) == (2, 0, 2)


def test_times_are_of_the_clock(folder):
    begun = int(time.time())
    compile_lists(folder, "made.slb", "--expires", "36h", "names")
    [told] = objects(expect(FINE, "blocklist", "info", "--json", "made.slb", cwd=folder).stdout)
    built, expires = (time.strptime(told[key], "%Y-%m-%dT%H:%M:%SZ") for key in ("built",
                                                                                 "expires"))
    assert begun <= time.mktime(built) - time.timezone <= time.time()
    assert time.mktime(expires) - time.mktime(built) == 36 * 3600
    assert told["expired"] is False


def test_a_list_that_has_expired_says_so(folder):
    compile_lists(folder, "made.slb", "--expires", "1s", "names")
    time.sleep(1.1)
    shown = expect(FINE, "blocklist", "info", "made.slb", "named.slb", cwd=folder)
    assert re.findall(r"  expires  (.*)\n", shown.stdout)[0].endswith("Z, which is past")
    assert "  expires  never\n" in shown.stdout and shown.stderr == ""
    told = objects(expect(FINE, "blocklist", "info", "--json", "made.slb", "named.slb",
                          cwd=folder).stdout)
    assert [t["expired"] for t in told] == [True, False] and told[1]["expires"] is None


# --- lookup ------------------------------------------------------------------------------------

LISTED, EXCEPTED, NOT = "listed", "excepted", "not_listed"

# What is asked, the verdict, source, entry and kind, and why it is in the table.
ASKED = [
    ("example.com", LISTED, "names", "example.com", "subtree", "the name"),
    ("a.b.example.com", LISTED, "names", "example.com", "subtree", "below it"),
    ("EXAMPLE.com.", LISTED, "names", "example.com", "subtree", "in another spelling"),
    ("bexample.com", NOT, None, None, None, "only at a label"),
    ("com", NOT, None, None, None, "never a single label"),
    ("below.example.org", NOT, None, None, None, "only below"),
    ("x.below.example.org", LISTED, "names", "below.example.org", "below", "below"),
    ("192.0.2.77", LISTED, "names", "192.0.2.0/24", "network", "an address"),
    ("192.0.3.0", NOT, None, None, None, "beside the network"),
    ("2001:db8::1", LISTED, "names", "2001:db8::/48", "network", "IPv6"),
    ("[2001:DB8:0:1::]", LISTED, "names", "2001:db8::/48", "network", "in brackets"),
    ("2001:db8:1::", NOT, None, None, None, "beside the network"),
    ("::ffff:192.0.2.1", LISTED, "names", "192.0.2.0/24", "network", "IPv4 inside IPv6"),
    ("ads.example.net", LISTED, "ads", "ads.example.net", "subtree", "of a list with exceptions"),
    ("a.ok.ads.example.net", EXCEPTED, "ads", "ok.ads.example.net", "subtree", "an exception"),
    ("hot.ads.example.net", LISTED, "ads", "hot.ads.example.net", "subtree",
     "an important entry stands above an exception that is not"),
]
TARGETS = [row[0] for row in ASKED]


@pytest.mark.parametrize("lists", [["named.slb"], ["hashed.slb"],
                                   ["names", "ads,format=adblock,category=phishing"]], ids=str)
def test_compiled_or_not_a_list_answers_the_same(folder, lists):
    given = [word for name in lists for word in ("-l", name)]
    answers = objects(sluice("blocklist", "lookup", *given, "--json", *TARGETS, cwd=folder).stdout)
    assert len(answers) == len(ASKED)
    for (target, verdict, source, entry, kind, why), answer in zip(ASKED, answers):
        rule = answer["rule"]
        assert answer["verdict"] == verdict, (target, why)
        assert (rule is None) == (verdict == NOT), (target, why)
        if rule is not None:
            assert (rule["source"], rule["entry"], rule["kind"]) == (source, entry, kind), why
            assert rule["category"] == {"names": "malware", "ads": "phishing"}[source]
            assert rule["important"] == (target == "hot.ads.example.net")
            assert rule["list"].partition(",")[0] in (*lists, source)


def test_a_line_for_each_target(folder):
    shown = sluice("blocklist", "lookup", "-l", "named.slb", "www.example.com", "ok.ads.example.net",
                   "hot.ads.example.net", "[2001:db8::1]", "x.example.org", cwd=folder)
    assert shown.returncode == FOUND and shown.stderr == ""
    assert shown.stdout.splitlines() == [
        'listed      www.example.com  malware  named.slb: names "example.com" (subtree)',
        'excepted    ok.ads.example.net  phishing  named.slb: ads "ok.ads.example.net" (subtree)',
        'listed      hot.ads.example.net  phishing  named.slb: ads "hot.ads.example.net" '
        "(subtree, important)",
        'listed      2001:db8::1  malware  named.slb: names "2001:db8::/48" (network)',
        "not listed  x.example.org",
    ]
    shown = expect(FOUND, "blocklist", "lookup", "-l", "names", "www.example.com", cwd=folder)
    assert shown.stdout == 'listed      www.example.com  malware  names "example.com" (subtree)\n'


@pytest.mark.parametrize("lists", [["named.slb"], ["hashed.slb"],
                                   ["names", "ads,format=adblock,category=phishing"]], ids=str)
def test_the_proxy_judges_as_lookup_says(folder, lists):
    hosts = [t for t, *_ in ASKED if "." in t and "192.0" not in t]
    told = objects(sluice("blocklist", "lookup", "-l", "named.slb", "--json", *hosts,
                          cwd=folder).stdout)
    given = [word for name in lists for word in ("--blocklist", name)]
    judged = objects(sluice("check", *given, "--json", *hosts, cwd=folder).stdout)
    assert [answer["verdict"] == LISTED for answer in told] == [
        answer["reason"] == "safety_blocklist" for answer in judged]


def test_the_first_list_that_has_it_answers(folder):
    (folder / "more").write_text("ok.ads.example.net\nexample.com\nnew.example.org\n")
    given = ["-l", "named.slb", "-l", "more,category=doh"]
    answers = objects(expect(FOUND, "blocklist", "lookup", *given, "--json", "ok.ads.example.net",
                             "www.example.com", "new.example.org", cwd=folder).stdout)
    # An exception opens nothing of another list.
    assert [answer["rule"]["source"] for answer in answers] == ["more", "names", "more"]
    (folder / "more").write_text("new.example.org\n")
    [answer] = objects(expect(FINE, "blocklist", "lookup", *given, "--json", "ok.ads.example.net",
                              cwd=folder).stdout)
    assert (answer["verdict"], answer["rule"]["source"]) == (EXCEPTED, "ads")


def test_a_list_that_blocks_what_must_work_can_be_asked(folder):
    """It is what an operator does about a list that was refused."""
    (folder / "bad").write_text("api.anthropic.com\n")
    expect(FOUND, "blocklist", "lookup", "-l", "bad", "api.anthropic.com", cwd=folder)
    expect(FOUND, "blocklist", "diff", "bad", "names", cwd=folder)


@pytest.mark.parametrize("status, targets", [
    (FINE, ["x.example.org"]), (FINE, ["ok.ads.example.net", "x.example.org"]),
    (FOUND, ["x.example.org", "example.com"]), (FOUND, ["192.0.2.1", "x.example.org"]),
    (TROUBLE, ["example.com", "1.2"]), (TROUBLE, ["a..b", "x.example.org"]),
    (TROUBLE, ["https://example.com/"]), (TROUBLE, ["example.com:443"]), (TROUBLE, [""]),
])
def test_status_of_lookup_is_that_of_the_worst_target(folder, status, targets):
    done = sluice("blocklist", "lookup", "-l", "named.slb", *targets, cwd=folder)
    assert done.returncode == status
    assert (done.stderr != "") == (status == TROUBLE)
    # What can be answered is, also beside what cannot.
    good = [t for t in targets if t.endswith((".org", ".net", ".com")) and "/" not in t]
    assert len(done.stdout.splitlines()) == len(good) + ("192.0.2.1" in targets)


@pytest.mark.parametrize("words, why", [
    (["a.example.com"], "-l SOURCE must say which list is asked"),
    (["-l", "none.slb", "a.example.com"], "none.slb: "),
    (["-l", "none", "a.example.com"], "none: cannot be opened"),
    (["-l", "names", "-l", "none", "a.example.com"], "none: cannot be opened"),
    (["-l", "names,format=hosts", "a.example.com"], "it is no list of format hosts"),
    (["-l", "names,format=x", "a.example.com"], "unknown value"),
    (["-l", "cut.slb", "a.example.com"], "cut.slb: it is cut short"),
    (["-l", "text.slb", "a.example.com"], "text.slb: it is not a compiled list"),
    (["-l", "named.slb"], "NAME|ADDRESS...: missing"),
])
def test_a_list_that_cannot_be_asked_answers_nothing(folder, words, why):
    (folder / "cut.slb").write_bytes((folder / "named.slb").read_bytes()[:-1])
    (folder / "text.slb").write_text(NAMES)
    assert why in expect(TROUBLE, "blocklist", "lookup", *words, cwd=folder).stderr


def test_a_compiled_list_is_known_by_its_bytes_too(folder):
    (folder / "named.slb").rename(folder / "named")
    expect(FOUND, "blocklist", "lookup", "-l", "named", "example.com", cwd=folder)
    expect(FINE, "blocklist", "diff", "named", "named", cwd=folder)


def test_a_pipe_is_opened_once(tmp_path):
    """Who feeds it waits for a reader, and ends with the first one that goes away."""
    os.mkfifo(tmp_path / "pipe")
    for _ in range(30):
        with subprocess.Popen(["sh", "-c", "echo b.example.com >pipe"], cwd=tmp_path) as feeder:
            expect(FOUND, "blocklist", "lookup", "-l", "pipe", "b.example.com", cwd=tmp_path)
        assert feeder.returncode == 0


@pytest.mark.parametrize("words", [
    ["lookup", "-l", "cut.slb", "-l", "pipe", "n1.example.net"],
    ["diff", "cut.slb", "pipe"],
])
def test_a_list_that_is_cut_while_it_is_read_is_damaged(tmp_path, words):
    """The second list is a pipe: by when it is opened the first one has been."""
    image = compiled(tmp_path / "cut.slb", (many("a.example.com"), ""), arguments=["--names"])
    os.mkfifo(tmp_path / "pipe")
    asking = subprocess.Popen([binary(), "blocklist", *words], cwd=tmp_path, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(tmp_path / "pipe", "w", encoding="ascii") as pipe:
        os.truncate(image, 4096)
        pipe.write("b.example.com\n")
    out, errors = asking.communicate(timeout=TIMEOUT)
    assert not SANITIZER.search(errors.encode()), errors
    assert (asking.returncode, out) == (TROUBLE, "") and "damaged" in errors, errors


# --- verify ------------------------------------------------------------------------------------


def damaged_copies(whole):
    """(name, bytes): a byte that is another, everywhere; and files that end early or late."""
    step = max(1, len(whole) // 40)
    for at in [*range(0, len(whole), step), len(whole) - 1]:
        yield f"byte{at}.slb", whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:]
    for size in (0, 1, 8, 399, len(whole) - 1):
        yield f"size{size}.slb", whole[:size]
    yield "more.slb", whole + b"\0"


@pytest.mark.parametrize("name", ["named.slb", "hashed.slb"])
def test_no_byte_can_be_another(folder, name):
    damaged = dict(damaged_copies((folder / name).read_bytes()))
    for other, content in damaged.items():
        (folder / other).write_bytes(content)
    done = expect(FOUND, "blocklist", "verify", "--json", name, *damaged, cwd=folder)
    first, *told = objects(done.stdout)
    assert first == {"file": name, "verdict": "fine"} and done.stderr == ""
    assert [t["file"] for t in told] == list(damaged)
    assert all(t["verdict"] == "damaged" and t["detail"] for t in told), told


def test_verify_in_lines(folder):
    (folder / "bad.slb").write_bytes((folder / "named.slb").read_bytes()[:-1])
    expect(FINE, "blocklist", "verify", "named.slb", "hashed.slb", cwd=folder)
    shown = expect(FOUND, "blocklist", "verify", "bad.slb", "named.slb", cwd=folder).stdout
    assert shown == ("damaged  bad.slb  it is cut short, or has bytes behind its end\n"
                     "fine     named.slb\n")
    assert "damaged  names  it is not a compiled list\n" == expect(
        FOUND, "blocklist", "verify", "names", cwd=folder).stdout
    for missing, why in (("none.slb", "No such file"), (".", "it is not a file")):
        done = sluice("blocklist", "verify", "bad.slb", missing, "named.slb", cwd=folder)
        assert done.returncode == TROUBLE and f"{missing}: " in done.stderr and why in done.stderr
        assert done.stdout == shown


# --- diff --------------------------------------------------------------------------------------


def changes(folder, status, old, new):
    """The lines of `diff`, and that its objects say the same."""
    shown = expect(status, "blocklist", "diff", old, new, cwd=folder)
    told = sluice("blocklist", "diff", "--json", old, new, cwd=folder)
    told = objects(told.stdout) if told.stdout else []
    spelled = [f"{'+' if t['change'] == 'added' else '-'} {t['entry']}  {t['category']}  {t['kind']}"
               + ", important" * t["important"] + ", exception" * t["exception"] for t in told]
    assert shown.stdout.splitlines() == spelled and shown.stderr == ""
    return spelled


def test_diff_says_what_was_added_and_removed(folder):
    (folder / "new").write_text("example.com\nnew.example.com\n*.below.example.net\n"
                                "192.0.2.0/25\n2001:db8::/48\nexample.net\n")
    compile_lists(folder, "new.slb", "--names", "new", "ads,format=adblock,category=phishing")
    want = ["- below.example.org  malware  below", "+ example.net  malware  subtree",
            "- 192.0.2.0/24  malware  network", "+ 192.0.2.0/25  malware  network"]
    assert changes(folder, FOUND, "named.slb", "new.slb") == want
    back = [("+-"["+-".index(line[0]) ^ 1] + line[1:]) for line in want]
    assert sorted(changes(folder, FOUND, "new.slb", "named.slb")) == sorted(back)


def test_lists_that_say_the_same_are_equal(folder):
    (folder / "mixed").write_text("\n".join(reversed(NAMES.splitlines())) + "\nwww.example.com\n")
    compile_lists(folder, "again.slb", "--names", "mixed", "ads,format=adblock,category=phishing")
    assert changes(folder, FINE, "named.slb", "again.slb") == []
    assert changes(folder, FINE, "names", "mixed") == []
    assert changes(folder, FOUND, "names", "mixed,category=doh") != []


def test_exceptions_and_importance_are_compared(folder):
    (folder / "other").write_text(ADS.replace("@@||ok.ads.example.net^\n", "").replace(
        "$important", ""))
    assert changes(folder, FOUND, "ads,format=adblock", "other,format=adblock") == [
        "- ok.ads.example.net  malware  subtree, exception",
        "- hot.ads.example.net  malware  subtree, important"]


def test_without_spelling_sources_are_compared(folder):
    warning = "has no spelling of its names, so that only counts are compared"
    same = expect(FINE, "blocklist", "diff", "named.slb", "hashed.slb", cwd=folder)
    assert same.stdout == "" and f"hashed.slb: warning: {warning}" in same.stderr
    (folder / "names").write_text(NAMES + "www.example.com\nexample.net\n")
    compile_lists(folder, "more.slb", "names", "ads,format=adblock,category=phishing")
    done = expect(FOUND, "blocklist", "diff", "hashed.slb", "more.slb", cwd=folder)
    assert warning in done.stderr and done.stdout.splitlines() == [
        "- names  malware: 4 accepted, 0 duplicate, 0 subsumed, 0 cancelled, 0 skipped",
        "+ names  malware: 5 accepted, 0 duplicate, 1 subsumed, 0 cancelled, 0 skipped"]
    told = objects(expect(FOUND, "blocklist", "diff", "--json", "hashed.slb", "more.slb",
                          cwd=folder).stdout)
    assert [(t["change"], t["path"], t["accepted"]) for t in told] == [
        ("removed", "names", 4), ("added", "names", 5)]


def test_networks_need_no_spelling(folder):
    (folder / "nets").write_text("192.0.2.0/24\n")
    compile_lists(folder, "nets.slb", "nets,format=cidr")
    assert changes(folder, FINE, "nets.slb", "nets,format=cidr") == []


@pytest.mark.parametrize("words, why", [
    (["named.slb"], "two lists are compared"), (["a", "b", "c"], "two lists are compared"),
    (["named.slb", "none.slb"], "none.slb: "), (["none", "named.slb"], "none: cannot be opened"),
    (["named.slb", "cut.slb"], "cut.slb: it is cut short"),
])
def test_what_cannot_be_compared_is_trouble(folder, words, why):
    (folder / "cut.slb").write_bytes((folder / "named.slb").read_bytes()[:-1])
    assert why in expect(TROUBLE, "blocklist", "diff", *words, cwd=folder).stderr
