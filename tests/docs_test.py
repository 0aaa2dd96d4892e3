"""The manual against the program: neither may know a word that the other does not.

What can be asked of the program is asked (help, keys, bounds, examples); tables that only the
sources hold (reasons, members of the record) are read there.  The program is $SLUICE or ./sluice.
"""

import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SLUICE = str((Path.cwd() / os.environ.get("SLUICE", ROOT / "sluice")).resolve())
PAGES = {"sluice": ROOT / "docs/sluice.8", "sluice.yaml": ROOT / "docs/sluice.yaml.5"}
PROBE = "qqqqqqqqqqqqqqqqqqqq"  # far from every key, so that the message lists all of them
KEY_SECTIONS = {
    "config": "THE OPERATOR'S FILE",
    "environment": "ENVIRONMENT DOCUMENTS",
    "agent": "AGENT DOCUMENTS",
    "packages": "PACKAGE SETS",
    "catalogue": "CATALOGUES",
}


def source(path):
    return (ROOT / path).read_text()


def run(*arguments, cwd=None):
    return subprocess.run([SLUICE, *arguments], cwd=cwd, capture_output=True, text=True,
                          timeout=20, stdin=subprocess.DEVNULL)


class Page:
    """A manual page as sections of lines."""

    def __init__(self, path):
        self.sections = {}
        lines = None
        for line in path.read_text().splitlines():
            if line.startswith(".Sh "):
                lines = self.sections.setdefault(line[4:], [])
            elif lines is not None:
                lines.append(line)
        self.lines = [line for lines in self.sections.values() for line in lines]

    def items(self, section, macro):
        """The `.It MACRO ...` of a section: the words after it, and the text below it."""
        found = []
        for line in self.sections[section]:
            if line.startswith(".It "):
                words = line.split()[1:]
                found.append((words[1:] if words[0] == macro else None, []))
            elif line.startswith((".El", ".Ss")):
                found.append((None, []))
            elif found and not line.startswith("."):
                found[-1][1].append(line)
        return [(words, " ".join(text)) for words, text in found if words is not None]

    def examples(self):
        """(kind, argument, text) of every literal block that a comment announces."""
        found = []
        lines = iter(self.lines)
        for line in lines:
            marked = re.fullmatch(r'\.\\" example: (\w+) ?(.*)', line)
            if marked is None:
                continue
            assert next(lines).startswith(".Bd -literal")
            text = []
            for inner in iter(lambda: next(lines), ".Ed"):
                text.append(inner.replace("\\e", "\\").replace("\\&", ""))
            found.append((marked[1], marked[2], "\n".join(text) + "\n"))
        return found


SLUICE_8 = Page(PAGES["sluice"])
SLUICE_YAML_5 = Page(PAGES["sluice.yaml"])


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-docs-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def ask(self, kind, document):
        """What `check` says about a document of that kind."""
        self.write("document.json", json.dumps(document))
        if kind == "catalogue":
            return self.compile("document.json")
        options = [f"--{kind}", "document.json"]
        if kind == "packages":
            self.write("config.json", json.dumps({"packages": {"file": "document.json"}}))
            options = ["--config", "config.json"]
        if kind != "environment":
            options += self.open_environment()
        return run("check", *options, "example.com", cwd=self.folder)

    def compile(self, catalogue):
        return run("blocklist", "compile", "-o", "x.slb", "--catalogue", catalogue,
                   cwd=self.folder)

    def open_environment(self):
        self.write("open.json", json.dumps(
            {"name": "open", "config": {"type": "cloud", "networking": {"type": "unrestricted"}}}))
        return ["--environment", "open.json"]


def nest(path, leaf):
    """`listeners[].unix` and a value: {"listeners": [{"unix": value}]}."""
    for word in reversed(path.split(".") if path else []):
        leaf = {word[:-2]: [leaf]} if word.endswith("[]") else {word: leaf}
    return leaf


class Commands(unittest.TestCase):
    def help(self, command=""):
        return run(*command.split(), "--help").stdout

    def below(self, command=""):
        return re.findall(r"^  (\w+) ", self.help(command), re.M)

    def commands(self):
        """Each that has options of its own, as it is typed: "check", "blocklist compile"."""
        return [f"{c} {b}".strip() for c in self.below() for b in self.below(c) or [""]]

    def options(self, command):
        return set(re.findall(r"^  (--?[\w-]+)", self.help(command), re.M)) - {"--help"}

    def test_every_command_is_in_the_manual_and_no_other(self):
        for command, section in (("", "DESCRIPTION"), ("blocklist", "BLOCK LISTS")):
            listed = [words[0] for words, _ in SLUICE_8.items(section, "Cm")]
            self.assertGreater(len(listed), 1)
            self.assertEqual(listed, self.below(command))

    def test_synopsis_has_the_options_of_each_command(self):
        synopsis = {}
        for line in SLUICE_8.sections["SYNOPSIS"]:
            if line.startswith(".Cm "):
                options = synopsis.setdefault(line[4:], set())
            options = {} if line.startswith(".Nm") else options
            if line.startswith((".Op Fl ", ".Fl ")):
                synopsis[list(synopsis)[-1]].add("-" + line.partition("Fl ")[2].split()[0])
        self.assertEqual(synopsis, {c: self.options(c) for c in self.commands()})

    def test_every_option_is_explained(self):
        for prefix, section in (("", "DESCRIPTION"), ("blocklist ", "BLOCK LISTS")):
            known = set().union(*(self.options(c) for c in self.commands()
                                  if c.startswith("blocklist ") == bool(prefix)))
            explained = {"-" + w[0] for w, _ in SLUICE_8.items(section, "Fl")}
            self.assertEqual(explained, known)

    def test_no_page_names_an_option_that_does_not_exist(self):
        known = set().union({"--help"}, *(self.options(c) for c in self.commands()))
        named = {"-" + o for page in (SLUICE_8, SLUICE_YAML_5) for line in page.lines
                 for o in re.findall(r"\bFl ([\w-]+)", line)}
        self.assertLessEqual(named, known)


class Words(unittest.TestCase):
    def test_reasons_stand_as_in_their_table(self):
        rows = re.findall(r'X\([A-Z_]+, (\w+), ([A-Z]+), (\d+), "(.*?)",\s*\\?\s*"(.*?)"\)',
                          source("policy/decision.h"))
        self.assertGreater(len(rows), 30)
        wanted = [(word, verdict.lower(), status, error, meaning)
                  for word, verdict, status, error, meaning in rows]
        found = [(words[0], words[2], words[3], "".join(words[4:]), text)
                 for words, text in SLUICE_8.items("WHAT A CLIENT SEES", "Ic")]
        self.assertEqual(found, wanted)

    def test_categories_stand_as_in_their_table(self):
        rows = re.findall(r'X\([A-Z_]+, (\w+), (true|false), "(.*?)"\)',
                          source("blocklists/category.h"))
        self.assertGreater(len(rows), 10)
        wanted = [(word, "on" if on == "true" else "off", what) for word, on, what in rows]
        found = [(words[0], words[2], text)
                 for words, text in SLUICE_YAML_5.items("SAFETY LISTS", "Ic")]
        self.assertEqual(found, wanted)

    def test_members_of_the_record_are_those_of_the_line(self):
        members = re.findall(
            r'(?:json_(?:name|text|word|number|count|flag)|member_\w+)\(\s*&?\w+, "(\w+)"',
            source("proxy/audit/line.c"))
        found = [words[0] for words, _ in SLUICE_8.items("THE RECORD", "Va")]
        self.assertEqual(sorted(found), sorted({*members, "time", "event", "id"}))

    def test_events_are_those_of_the_line(self):
        line = source("proxy/audit/line.c")
        events = re.findall(r'\[AUDIT_\w+\] = "(\w+)"', line) + re.findall(
            r'put_stamp\(&o, stamp, "(\w+)"\)', line)
        found = [words[0] for words, _ in SLUICE_8.items("THE RECORD", "Ic")]
        self.assertEqual(found, events)

    def test_ends_are_those_of_the_sessions(self):
        text = "".join(p.read_text() for p in sorted((ROOT / "proxy/session").glob("*.c")))
        ends = set(re.findall(r'"(client_reset|server_reset|\w+_timeout)"', text))
        for call in re.findall(r"(?:session_end|account_close)\(([^;]*)\);", text):
            ends |= set(re.findall(r'"(\w+)"', call))
            ends |= {r.lower() for r in re.findall(r"REASON_(\w+)", call)}
        ends |= set(re.findall(r'r\.ended = text\("(\w+)"\)', text))
        ends |= {r.lower() for r in re.findall(
            r"sessions_end\(\S+ REASON_(\w+)\)", source("proxy/server/worker.c"))}
        found = {words[0] for words, _ in SLUICE_8.items("THE RECORD", "Ql")}
        self.assertEqual(found, ends)

    def test_package_sets_are_those_of_the_bundled_file(self):
        sets = re.findall(r"^  ([a-z-]+):$", source("policy/data/package-hosts.yaml"), re.M)
        text = "\n".join(SLUICE_YAML_5.sections["PACKAGE SETS"])
        text = text[text.index("bundled file"):text.index("has no Debian")]
        named = [word for line in re.findall(r"^\.Ic (.*)$", text, re.M)
                 for word in line.split(" , ")]
        named = [word.strip(" .,;") for part in named for word in part.split()]
        self.assertEqual(set(filter(None, named)), set(sets))


class Keys(Folder):
    def expected(self, kind, document):
        found = re.search(rf'unknown key "{PROBE}": expected (.*)', self.ask(kind, document).stderr)
        return re.split(r", | or ", found[1]) if found else []

    def crawl(self, kind, path=""):
        """Every key the program knows, by what it says to one that it does not know."""
        keys = []
        for key in self.expected(kind, nest(path, {PROBE: 1})):
            whole = f"{path}.{key}" if path else key
            keys.append(whole)
            for below in (whole, whole + "[]"):
                keys += self.crawl(kind, below)
        return keys

    def known(self, kind):
        if kind == "packages":
            return self.crawl(kind) + self.crawl(kind, "sets.NAME")
        if kind != "agent":
            return self.crawl(kind)
        table = source("policy/agent.c").split("agent_fields[]")[1].split("};\n")[0]
        return re.findall(r'\{ "(\w+)", FIELD_', table) + self.crawl(kind, "mcp_servers[]")

    def test_every_key_is_in_the_manual_and_no_other(self):
        for kind, section in KEY_SECTIONS.items():
            with self.subTest(kind):
                known = self.known(kind)
                found = [words[0] for words, _ in SLUICE_YAML_5.items(section, "Ic")]
                self.assertGreater(len(known), 4)
                self.assertEqual(len(found), len(set(found)))
                self.assertEqual(set(found), set(known))

    def test_no_page_names_a_key_that_does_not_exist(self):
        paths = {key for kind in KEY_SECTIONS for key in self.known(kind)}
        last = {re.split(r"[.\[]", key.rstrip("[]"))[-1] for key in paths}
        for page in (SLUICE_8, SLUICE_YAML_5):
            for line in page.lines:
                words = re.fullmatch(r'\.Ic "?([\w.]+)(:? ?.*)', line)
                if words is None:
                    continue
                if "." in words[1]:
                    self.assertIn(words[1].rstrip("."), paths, line)
                elif words[2].startswith(":"):
                    self.assertIn(words[1], paths | last, line)

    def test_bounds(self):
        units = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
                 "KiB": 1 << 10, "MiB": 1 << 20}
        tried = 0
        for words, text in SLUICE_YAML_5.items(KEY_SECTIONS["config"], "Ic"):
            bounds = re.search(r"From (\d+)(\w*) to (\d+)(\w*)\.", text)
            if bounds is None:
                continue
            tried += 1
            low, high = (int(bounds[i]) * units.get(bounds[i + 1], 1) for i in (1, 3))
            unit = "ms" if bounds[2] in ("ms",) else ""
            for value, good in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
                if value >= 0:
                    spelled = f"{value}{unit}" if unit else value
                    self.try_value(words[0], spelled, good)
        self.assertGreater(tried, 12)

    def try_value(self, key, value, good):
        document = nest(key, value)
        if key.startswith("listeners[]."):
            document["listeners"][0]["unix"] = "x.sock"
        self.assertEqual(self.ask("config", document).returncode, 0 if good else 2,
                         f"{key}: {value}")

    def test_defaults_of_durations_sizes_and_words(self):
        """Those that config.c writes down as values."""
        code = source("policy/config.c")
        second = {"10 * SECOND": "10s", "5 * SECOND": "5s", "60 * SECOND": "60s", "HOUR": "1h",
                  "75 * SECOND": "75s", "30 * SECOND": "30s", "2 * SECOND": "2s"}
        defaults = dict(re.findall(r"\.(head|hello|resolve|connect|idle|half_close|keep_alive|drain)"
                                   r" = ([^,}]*?)(?:,| })", code.split(".timeouts = {")[1]
                                   .split(".limits")[0]))
        self.assertEqual(len(defaults), 8)
        text = {w[0]: t for w, t in SLUICE_YAML_5.items(KEY_SECTIONS["config"], "Ic")}
        for name, value in defaults.items():
            self.assertIn(f"Default: {second[value]}.", text[f"timeouts.{name}"])


class Examples(Folder):
    def test_documents_are_accepted(self):
        examples = SLUICE_YAML_5.examples() + SLUICE_8.examples()
        self.assertGreater(len(examples), 7)
        for kind, argument, text in examples:
            if kind in ("config", "environment", "agent", "list", "packages", "catalogue"):
                self.write(argument.partition(",")[0], text)
        for kind, argument, _ in examples:
            flag = {"list": "blocklist"}.get(kind, kind)
            if kind == "packages":
                self.write("packages.yaml", f"packages: {{file: {argument}}}\n")
                flag, argument = "config", "packages.yaml"
            if kind in ("session", "refusal"):
                continue
            with self.subTest(f"{kind} {argument}"):
                more = [] if kind == "environment" else self.open_environment()
                if argument == "sluice.yaml":
                    more = ["--in", "data-analysis"]
                if kind == "catalogue":
                    got = self.compile(argument)
                else:
                    got = run("check", f"--{flag}", argument, *more, "api.example.com",
                              cwd=self.folder)
                self.assertEqual(got.stderr, "")
                self.assertNotEqual(got.returncode, 2)

    def test_sessions_print_what_they_show(self):
        sessions = 0
        for kind, argument, text in SLUICE_8.examples():
            if kind == "environment":
                self.write(argument, text)
            if kind != "session":
                continue
            sessions += 1
            command, _, wanted = text.partition("\n")
            self.assertTrue(command.startswith("$ sluice "))
            got = run(*command.split()[2:], cwd=self.folder)
            self.assertEqual(got.stdout, wanted)
            self.assertEqual(got.stderr, "")
        self.assertGreater(sessions, 1)

    def test_a_refusal_looks_as_shown(self):
        examples = {kind: text for kind, _, text in SLUICE_8.examples()}
        self.write("env.yaml", examples["environment"])
        proxy = subprocess.Popen(
            [SLUICE, "serve", "--environment", "env.yaml", "--listen", "127.0.0.1:0",
             "--audit", "audit.jsonl", "--workers", "1"],
            cwd=self.folder, stderr=subprocess.PIPE, text=True)
        try:
            listening = next(line for line in proxy.stderr if "listening on" in line)
            port = int(listening.rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"CONNECT api.example.net:443 HTTP/1.0\r\n\r\n")
                answer = b"".join(iter(lambda: client.recv(4096), b""))
        finally:
            proxy.send_signal(signal.SIGTERM)
            proxy.communicate(timeout=20)
        self.assertEqual(answer.decode().replace("\r\n", "\n"), examples["refusal"])
        self.assertEqual(proxy.returncode, 0)


class Form(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_has_nothing_to_say(self):
        for path in PAGES.values():
            got = subprocess.run(["mandoc", "-Tlint", path], capture_output=True, text=True)
            said = [line for line in got.stdout.splitlines()
                    if "referenced manual not found" not in line]  # until both are installed
            self.assertEqual(said, [])

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_systemd_has_nothing_to_say(self):
        folder = Path(tempfile.mkdtemp(prefix="sluice-units-"))
        self.addCleanup(shutil.rmtree, folder)
        units = []
        for unit in sorted((ROOT / "deploy").glob("sluice-*.*")):
            units.append(folder / unit.name)
            units[-1].write_text(unit.read_text().replace("/usr/local/sbin/sluice", SLUICE))
        self.assertEqual(len(units), 2)
        got = subprocess.run(["systemd-analyze", "verify", "--man=no", *units],
                             capture_output=True, text=True)
        self.assertEqual((got.returncode, got.stdout, got.stderr), (0, "", ""))

    def test_links_lead_somewhere(self):
        pages = [ROOT / "README.md", *sorted((ROOT / "docs/decisions").glob("*.md"))]
        for page in pages:
            for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")

    def test_decisions_have_their_parts(self):
        pages = sorted((ROOT / "docs/decisions").glob("*.md"))
        self.assertGreater(len(pages), 8)
        numbers = [page.name[:4] for page in pages]
        self.assertEqual(len(numbers), len(set(numbers)))
        for page in pages:
            text = page.read_text().lower()
            for part in ("context", "choice", "change our mind"):
                self.assertIn(part, text, page.name)


class Mutants(unittest.TestCase):
    """tests/mutants/list against the sources: a mutant that cannot be planted proves nothing."""

    def test_each_line_stands_in_its_file(self):
        planter = runpy.run_path(str(ROOT / "tests/mutants/run.py"))
        lost = [f"{m.number}: {m.file}: {m.old}"
                for m in planter["read_list"](ROOT / "tests/mutants/list")
                if planter["planted"](source(m.file), m) is None]
        self.assertEqual(lost, [])



if __name__ == "__main__":
    unittest.main()
