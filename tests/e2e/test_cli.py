"""The commands that answer questions, from outside: what they print, where, and with which status.

And that `check` tells the truth: for every target the running proxy says the same.
"""

import pytest

from lib.command import FINE, FOUND, TROUBLE, expect, objects, sluice
from lib.sluice import agent, limited, text_of, unrestricted

COMMANDS = ["serve", "check", "explain", "blocklist", "version"]
OF_BLOCKLIST = ["compile", "update", "info", "lookup", "verify", "diff"]

ALLOWED = ["api.example.com", "https://api.example.com/v1?q=1", "http://api.example.com/",
           "api.example.com:80", "API.Example.COM.", "deep.a.example.org"]
DENIED = ["api.example.net", "example.org", "api.example.com:22", "localhost", "10.0.0.5",
          "a..example.com", "127.1", "ftp://api.example.com/", "http://api.example.com:443x/",
          "b\u00fccher.example.com", "\x1b[31m.example.com", "a\"b\\c", "--json"]


@pytest.fixture
def folder(tmp_path):
    """Documents by name: env.yaml is limited, open.yaml is not, mcp.yaml has a server."""
    documents = {"env.yaml": limited("api.example.com", "*.example.org", name="data"),
                 "packages.yaml": limited("api.example.com", name="packages", packages=True),
                 "open.yaml": unrestricted("open"),
                 "mcp.yaml": agent(("tools", "https://mcp.example.com:8443/mcp"))}
    for name, document in documents.items():
        (tmp_path / name).write_text(text_of(document))
    return tmp_path


# --- status, help, usage ---------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "explain"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_status_is_that_of_the_worst_target(folder, command, form):
    policy = [command, "--environment", "env.yaml", *form, "--"]
    expect(FINE, *policy, *ALLOWED, cwd=folder)
    expect(FOUND, *policy, *DENIED, cwd=folder)
    for denied in DENIED:
        done = expect(FOUND, *policy, ALLOWED[0], denied, ALLOWED[1], cwd=folder)
        assert done.stderr == ""


@pytest.mark.parametrize("words", [
    [], ["bogus"], ["chec"], ["CHECK"], ["--version"], [""], ["--json", "check"],
    ["check"], ["explain"], ["check", "--environment", "env.yaml"],
    ["check", "--bogus", "x"], ["check", "--env", "env.yaml", "x"], ["check", "-h"],
    ["check", "x", "--json"], ["check", "--environment"], ["check", "--json=yes", "x"],
    ["check", "--tool", "shell", "x"],
    ["check", "--listen", "127.0.0.1:0", "x"], ["explain", "--tool", "web", "x"],
    ["check", "--environment", "no-such-file.yaml", "x"],
    ["check", "--config", "no-such-file.yaml", "x"], ["check", "--agent", "no-such-file", "x"],
    ["check", "--blocklist", "no-such-file", "x"],
    ["check", "--environment", "env.yaml", "--in", "no-such-name", "x"],
    ["serve", "operand"], ["serve", "--json"], ["serve", "--bogus"], ["serve", "--workers", "0"],
    ["serve", "--listen", "localhost:80"], ["serve", "--listen", "127.0.0.1:99999"],
    ["version", "operand"], ["version", "--bogus"],
], ids=lambda words: " ".join(words) or "nothing")
def test_trouble_says_why_on_standard_error(folder, words):
    done = expect(TROUBLE, *words, cwd=folder)
    assert done.stderr.endswith("\n")
    for word in ("bogus", "no-such-file", "no-such-name", "--tool", "--workers", "operand"):
        if any(word in given for given in words):
            assert word in done.stderr


def test_trouble_comes_with_a_remedy(folder):
    for above, commands in ((["sluice"], COMMANDS), (["sluice", "blocklist"], OF_BLOCKLIST)):
        listed = expect(TROUBLE, *above[1:], "bogus").stderr
        assert listed.startswith(f"{' '.join(above)}: no such command: bogus\n")
        for command in commands:
            assert f"\n  {command} " in listed
    assert "nearest is --environment" in expect(TROUBLE, "check", "--enviroment", "x").stderr
    several = ["check", "--environment", "env.yaml", "--environment", "open.yaml", "x.example.com"]
    for message in (expect(TROUBLE, *several, cwd=folder).stderr,
                    expect(TROUBLE, *several[:-1], "--in", "x", "x", cwd=folder).stderr):
        assert '"data"' in message and '"open"' in message


def test_what_is_wrong_cannot_steer_a_terminal(folder):
    for words in (["\x1b[2J"], ["check", "--\x1b[2J", "x"],
                  ["check", "--environment", "env.yaml", "--in", "\x1b[2J", "x"],
                  ["check", "--environment", "\x1b[2J.yaml", "x"]):
        done = expect(TROUBLE, *words, cwd=folder)
        assert "\x1b" not in done.stderr and "\\x1b[2J" in done.stderr


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "blocklist"] +
                         [f"blocklist {c}" for c in OF_BLOCKLIST])
def test_help_of_a_command(command):
    done = expect(FINE, *command.split(), "--help")
    assert done.stdout.startswith(f"usage: sluice {command} ")
    assert "\n  --help " in done.stdout
    assert done.stderr == ""
    for line in done.stdout.splitlines():
        assert len(line) <= 100


def test_help_of_serve_lists_its_options():
    shown = expect(FINE, "serve", "--help").stdout
    for option in ("--config FILE", "--environment FILE", "--agent FILE", "--listen ADDRESS",
                   "--resolver ADDR[:PORT]", "--audit FILE|-", "--workers N|auto",
                   "--blocklist SOURCE"):
        assert f"\n  {option} " in shown


def test_help_lists_the_commands():
    for above, commands in (([], COMMANDS), (["blocklist"], OF_BLOCKLIST)):
        for word in ("--help", "help"):
            shown = expect(FINE, *above, word)
            assert [line.split()[0] for line in shown.stdout.splitlines()
                    if line.startswith("  ")] == commands
            assert shown.stderr == ""


def test_version_in_both_forms():
    lines = dict(line.split(None, 1) for line in expect(FINE, "version").stdout.splitlines())
    [facts] = objects(expect(FINE, "version", "--json").stdout)
    assert facts == lines
    assert {"sluice", "libevent", "c-ares", "libyaml", "public_suffixes",
            "package_hosts", "safety_list"} <= set(facts)
    assert all(facts.values())


# --- answers ---------------------------------------------------------------------------------


def test_text_and_json_say_the_same(folder):
    policy = ["--environment", "env.yaml"]
    targets = ALLOWED + DENIED
    lines = expect(FOUND, "check", *policy, "--", *targets, cwd=folder).stdout.splitlines()
    answers = objects(expect(FOUND, "check", *policy, "--json", "--", *targets, cwd=folder).stdout)
    assert len(lines) == len(answers) == len(targets)
    for line, answer, target in zip(lines, answers, targets):
        assert answer["target"] == target
        assert answer["environment"] == "data"
        assert answer["verdict"] == ("allow" if target in ALLOWED else "deny")
        assert line.startswith(answer["verdict"].ljust(5) + "  ")
        assert f"  {answer['reason']}" in line
        assert line.isascii() and line.isprintable()
        if answer["reason"] == "bad_target":
            assert line.endswith(f"  bad_target  {answer['detail']}")
            assert "host" not in answer
        else:
            assert f"  {answer['host']}:{answer['port']}  " in line
        rule = answer["rule"]
        if rule is not None and rule["file"] is not None:
            assert line.endswith(f'  {rule["file"]}:{rule["line"]} "{rule["entry"]}"')


def status_line(answer):
    """How the status line begins that a client would see."""
    if answer["verdict"] == "allow":
        forwarded = answer["target"].startswith("http://")
        return "the server's answer" if forwarded else "HTTP/1.1 200 "
    status = "400 Bad Request" if answer["reason"] == "bad_target" else "403 Forbidden"
    return f"HTTP/1.1 {status}: {answer['reason']}"


def test_explain_says_the_same_as_check(folder):
    policy = ["--environment", "env.yaml", "--json", "--"]
    targets = ALLOWED + DENIED
    checked = objects(expect(FOUND, "check", *policy, *targets, cwd=folder).stdout)
    explained = objects(expect(FOUND, "explain", *policy, *targets, cwd=folder).stdout)
    for short, long in zip(checked, explained, strict=True):
        assert {key: long.get(key) for key in short} == short
        assert long["mode"] == "limited"
        decided = [step for step in long.get("steps", []) if step["decided"]]
        assert len(decided) == ("steps" in long)
        assert long["status_line"].startswith(status_line(long))
    text = expect(FOUND, "explain", *policy[:2], "--", *targets, cwd=folder).stdout
    stories = text.split("\n\n")
    assert len(stories) == len(targets)
    for story, long in zip(stories, explained, strict=True):
        word = long["verdict"]
        assert f"\ndecision     {word}  {long['reason']}: " in story
        assert f"\nclient sees  {long['status_line']}" in story
        assert story.replace("\n", "").isprintable()


def test_the_answer_of_the_web_tools(folder):
    policy = ["check", "--environment", "packages.yaml", "--json"]
    targets = ["api.example.com", "pypi.org", "www.example.com", "localhost"]
    usual = objects(expect(FOUND, *policy, *targets, cwd=folder).stdout)
    web = objects(expect(FOUND, *policy, "--tool", "web", *targets, cwd=folder).stdout)
    assert [a["reason"] for a in usual] == ["allowed_host", "package_host", "host_not_allowed",
                                            "special_use_name"]
    assert [a["verdict"] for a in web] == ["allow", "deny", "deny", "deny"]
    assert [a["reason"] for a in web[:3]] == ["allowed_host", "host_not_allowed",
                                              "host_not_allowed"]


def test_one_of_several_environments(folder):
    several = ["--environment", "env.yaml", "--environment", "open.yaml", "--json"]
    for name, reason in (("data", "host_not_allowed"), ("open", "unrestricted")):
        for command in ("check", "explain"):
            [answer] = objects(sluice(command, *several, "--in", name, "api.example.net",
                                      cwd=folder).stdout)
            assert (answer["environment"], answer["reason"]) == (name, reason)


# --- documents -------------------------------------------------------------------------------

LIMITED = "name: e2e\nconfig:\n  type: cloud\n  networking:\n    type: limited\n"
INVALID = [  # option, text, what stands at the start of the lines of standard error
    ("--environment", LIMITED + "    allowed_hosts: ['*']\n", ["6:21: allowed_hosts[0] "]),
    ("--environment", LIMITED + "    allowed_hosts:\n      - api.example.com\n      - 10\n"
     "    allow_all: true\n", ["8:9: ", '9:5: unknown key "allow_all"']),
    ("--environment", "name: [\n", ["2:1: "]),
    ("--environment", "name: e2e\nname: again\n", ["2:1: "]),
    ("--environment", "name: \"a\\u001b[2Jb\"\nconfig: {type: cloud}\n", ["1:7: "]),
    ("--environment", "- name\n", ["1:1: "]),
    ("--agent", "name: a\nmcp_servers:\n  - {type: url, name: x, url: 'ftp://x.example.com'}\n",
     ["3:"]),
    ("--config", "listeners:\n  - {adress: '127.0.0.1:0'}\n",
     ["2:5: listeners[0] must have", '2:6: unknown key "adress": did you mean address?']),
    ("--config", "timeouts: {idle: 3 parsecs}\n", ["1:18: "]),
]


@pytest.mark.parametrize("command", ["check", "explain", "serve"])
@pytest.mark.parametrize("option, text, wanted", INVALID)
def test_an_invalid_document_is_named_with_its_place(tmp_path, command, option, text, wanted):
    (tmp_path / "bad.yaml").write_text(text)
    target = ["api.example.com"] if command != "serve" else []
    done = expect(TROUBLE, command, option, "bad.yaml", *target, cwd=tmp_path)
    problems = [line for line in done.stderr.splitlines() if line.startswith("bad.yaml:")]
    assert len(problems) == len(wanted), done.stderr
    for line, start in zip(problems, wanted):
        assert line.startswith(f"bad.yaml:{start}")
    assert "\x1b" not in done.stderr


def test_a_warning_goes_to_standard_error(tmp_path):
    (tmp_path / "old.yaml").write_text(
        LIMITED + "    allowed_hosts: ['https://api.example.com']\n")
    done = expect(FINE, "check", "--environment", "old.yaml", "api.example.com", cwd=tmp_path)
    assert done.stderr.startswith("old.yaml:6:21: warning: allowed_hosts[0] ")
    assert done.stderr.count("\n") == 1
    assert done.stdout.startswith("allow  api.example.com:443  allowed_host  old.yaml:6 ")
    [answer] = objects(expect(FINE, "check", "--environment", "old.yaml", "--json",
                              "api.example.com", cwd=tmp_path).stdout)
    assert answer["reason"] == "allowed_host"


# --- the data path ---------------------------------------------------------------------------

DOCUMENTS = {
    "limited": limited("api.example.com", "*.example.org", "denied.example.net",
                       "93.184.215.30", mcp=True, packages=True),
    "unrestricted": unrestricted(),
}
TARGETS = [
    "api.example.com:443", "api.example.com:80", "http://api.example.com/x?y=z",
    "API.EXAMPLE.COM.:443", "http://Api.Example.Com./", "http://api.example.com:80/",
    "http://api.example.com:443/", "api.example.com:8443", "http://api.example.com:8080/",
    "www.example.com:443", "http://www.example.com/", "example.org:443", "a.example.org:443",
    "deep.a.example.org:80", "badexample.org:443", "pypi.org:443", "http://pypi.org/",
    "pypi.org:8443", "files.pythonhosted.org:443", "mcp.example.com:8443",
    "mcp.example.com:443", "http://tools.example.com/", "tools.example.com:443",
    "denied.example.net:443", "http://denied.example.net/", "other.example.net:443",
    "other.example.net:8443", "http://other.example.net/", "listed.example.com:443",
    "below.listed.example.com:443", "api.example.com:25", "api.example.com:53",
    "http://api.example.com:25/", "localhost:443", "http://localhost/", "intranet:443",
    "printer.local:443", "metadata.google.internal:80", "http://metadata.google.internal/",
    "http://169.254.169.254/latest/", "169.254.169.254:80", "10.0.0.5:443", "http://10.0.0.5/",
    "[::1]:443", "[64:ff9b::a00:5]:443", "93.184.215.30:443", "http://93.184.215.30/",
    "93.184.215.20:443", "10.20.0.7:443", "10.20.0.7:80", "127.1:443", "http://0x7f.1/",
    "a..example.com:443", "http://a..example.com/", "api.example.com:0", "api.example.com:70000",
    "http://api.example.com:65536/", "user@api.example.com:443", "http://user@api.example.com/",
    "*.example.org:443", "[api.example.com]:443", "[fe80::1%25lo]:443",
]


@pytest.fixture(scope="module")
def running(start_shared, tmp_path_factory):
    """By mode: a proxy, and what `check` says about each target with the proxy's own file."""
    feed = tmp_path_factory.mktemp("feed") / "feed.domains"
    feed.write_text("listed.example.com\n")
    config = {
        "operator": {"deny": ["denied.example.net"], "allow": ["other.example.net"],
                     "exempt": [{"net": "10.20.0.0/16", "ports": [443]}]},
        "blocklists": [{"path": str(feed), "format": "domains", "match": "subtree",
                        "category": "malware"}],
    }
    servers = agent(("tls", "https://mcp.example.com:8443/"),
                    ("plain", "http://tools.example.com/"))
    modes = {}
    for mode, document in DOCUMENTS.items():
        proxy = start_shared(document, agents=[servers], config=config)
        done = expect(FOUND, "check", "--config", proxy.config_path, "--json", "--", *TARGETS)
        modes[mode] = proxy, {a["target"]: a for a in objects(done.stdout)}
    return modes


@pytest.mark.parametrize("mode", DOCUMENTS)
@pytest.mark.parametrize("target", TARGETS)
def test_the_proxy_does_what_check_says(running, mode, target):
    proxy, said = running[mode]
    said = said[target]
    if target.startswith("http://"):
        answer = proxy.ask(target, fields=["Connection: close"], host="api.example.com")
    else:
        answer = proxy.refusal(target)
    if said["verdict"] == "allow":
        assert answer.reason is None or answer.status >= 500, (said, answer)
    else:
        assert answer.status == (400 if said["reason"] == "bad_target" else 403), (said, answer)
        assert answer.reason == said["reason"], (said, answer)


def test_the_table_of_targets_has_every_answer(running):
    reasons = {a["reason"] for _, said in running.values() for a in said.values()}
    assert reasons == {
        "allowed_host", "package_host", "mcp_server", "operator_allow", "unrestricted",
        "host_not_allowed", "port_not_allowed", "safety_blocklist", "operator_deny",
        "metadata_service", "special_use_name", "blocked_port", "address_not_allowed",
        "bad_target"}
