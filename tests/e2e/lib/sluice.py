"""The proxy as a process: its files, its start, its end, and what must be true in between."""

import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from . import net, wire
from .record import Record

START_TIMEOUT = 60.0
REST_TIMEOUT = 30.0         # a refused connection lingers up to 5 s
SANITIZER = re.compile(rb"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:)")
LISTENING = re.compile(rb"^sluice: listening on (\S+)$", re.MULTILINE)


def binary():
    """For a command in any folder."""
    return os.path.abspath(os.environ["SLUICE"])


@lru_cache
def sanitized():
    return re.search(rb"__[at]san_init", Path(binary()).read_bytes()) is not None


def limited(*hosts, name="e2e", mcp=None, packages=None):
    """A limited environment document."""
    networking = {"type": "limited", "allowed_hosts": list(hosts)}
    if mcp is not None:
        networking["allow_mcp_servers"] = mcp
    if packages is not None:
        networking["allow_package_managers"] = packages
    return {"name": name, "config": {"type": "cloud", "networking": networking}}


def unrestricted(name="e2e"):
    return {"name": name, "config": {"type": "cloud", "networking": {"type": "unrestricted"}}}


def agent(*servers, name="e2e-agent"):
    """An agent document that declares MCP servers: (name, url) pairs."""
    return {"name": name,
            "mcp_servers": [{"type": "url", "name": n, "url": u} for n, u in servers]}


def text_of(document):
    """Documents are written as JSON, which the YAML reader takes; text stays as it is."""
    return document if isinstance(document, str) else json.dumps(document, indent=2) + "\n"


class Sluice:
    """One `sluice serve`.

    environments: documents or texts; a list is written to env0.yaml, env1.yaml, ...
    config: keys of sluice.yaml that are added to (or replace) those written here.
    audit: "file", or "stdout" for a pipe that the test reads (or not).
    """

    def __init__(self, folder, environments, agents=(), config=None, workers=1, audit="file",
                 resolver=net.DNS, arguments=(), wrapper=()):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.environments = []
        for i, document in enumerate(environments):
            path = folder / f"env{i}.yaml"
            path.write_text(text_of(document))
            self.environments.append(path)
        agent_paths = []
        for i, document in enumerate(agents):
            path = folder / f"agent{i}.yaml"
            path.write_text(text_of(document))
            agent_paths.append(path)
        self.config = {
            "listeners": [{"address": "127.0.0.1:0"}],
            "environments": [p.name for p in self.environments],
            "resolver": {"servers": [resolver], "hosts_file": "off"},
            "workers": workers,
        }
        if agent_paths:
            self.config["agents"] = [p.name for p in agent_paths]
        self.record = Record(folder / "audit.jsonl")
        if audit == "file":
            self.config["audit"] = {"path": str(self.record.path)}
        for key, value in (config or {}).items():
            both = isinstance(value, dict) and isinstance(self.config.get(key), dict)
            self.config[key] = {**self.config[key], **value} if both else value
        self.config_path = folder / "sluice.yaml"
        self.write_config()
        self.audit = audit
        self.arguments = list(arguments)
        self.wrapper = list(wrapper)
        self.stderr_path = folder / "stderr"
        self.process = None
        self.listeners = []
        self.idle = None
        self.ended = False

    def write_config(self):
        self.config_path.write_text(text_of(self.config))

    def command(self):
        return [*self.wrapper, binary(), "serve", "--config", str(self.config_path),
                *self.arguments]

    def start(self):
        stdout = subprocess.PIPE if self.audit == "stdout" else subprocess.DEVNULL
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(self.command(), stdout=stdout, stderr=stderr,
                                            stdin=subprocess.DEVNULL)
        try:
            wire.wait_for(self._listens, START_TIMEOUT, 0.01, "line that says it listens")
        except AssertionError as problem:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{problem}:\n{self.errors()}") from None
        if sanitized():
            wire.wait_for(self._hears_signals)
        self.idle = self.descriptors()
        return self

    def _listens(self):
        assert self.process.poll() is None, f"it ended with {self.process.returncode}"
        self.listeners = [m.decode() for m in LISTENING.findall(self.stderr())]
        return len(self.listeners) >= len(self.config["listeners"])

    def stderr(self):
        return self.stderr_path.read_bytes()

    def errors(self):
        return self.stderr().decode("utf-8", "replace")

    @property
    def pid(self):
        return self.process.pid

    def listener(self, nth=0):
        """(host, port), or the path of a Unix socket."""
        spelling = self.listeners[nth]
        if spelling.startswith("unix:"):
            return spelling[len("unix:"):]
        host, _, port = spelling.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def where(self):
        return self.listener(0)

    @property
    def url(self):
        host, port = self.where
        return f"http://{host}:{port}"

    def connect(self, target, after=b"", nth=0, **how):
        return wire.connect(self.listener(nth), target, after, **how)

    def tunnel(self, target, after=b"", nth=0):
        return wire.tunnel(self.listener(nth), target, after)

    def refusal(self, target, nth=0, **how):
        """The answer to a CONNECT, its connection closed."""
        held, answer = self.connect(target, nth=nth, **how)
        held.close()
        return answer

    def ask(self, url, nth=0, **how):
        return wire.ask(self.listener(nth), url, **how)

    def dial(self, nth=0):
        return wire.dial(self.listener(nth))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def descriptor_names(self):
        """What is open; a descriptor that it closes while we look is not."""
        names = []
        for link in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                names.append(os.readlink(link))
        return sorted(names)

    def resident(self):
        """Resident set in bytes."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def assert_grew_less(self, before, limit):
        """Since resident() said before.  A sanitizer's own memory would drown the answer."""
        if not sanitized():
            assert self.resident() - before < limit

    def cpu_seconds(self):
        """User and system time so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            user, system = stat.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def busy_seconds(self):
        """Of the busiest thread: it ran or wanted to run, however busy the machine is."""
        most = 0
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            ran, waited, _ = (thread / "schedstat").read_text().split()
            most = max(most, int(ran) + int(waited))
        return most / 1e9

    def assert_spent_less(self, seconds, limit):
        """Of cpu_seconds(), which a sanitizer would drown as well."""
        if not sanitized():
            assert seconds < limit

    def signal(self, number):
        os.kill(self.pid, number)

    def states(self):
        """Thread -> a letter of proc(5), such as S for one that sleeps."""
        return {int(stat.parent.name): stat.read_text().rpartition(")")[2].split()[0]
                for stat in Path(f"/proc/{self.pid}/task").glob("*/stat")}

    def _hears_signals(self):
        """
        The thread sanitizer of gcc 12 loses a signal that comes between a thread's entry into its
        first wait and the wait itself, where it makes the place that it would keep the signal in.
        """
        return self.states()[self.pid] == "S"

    def is_stopped(self):
        """Each of its threads, also one that was on another processor when the signal came."""
        return set(self.states().values()) == {"T"}

    @contextmanager
    def stopped(self):
        """What happens meanwhile is told to it all at once afterwards."""
        self.signal(signal.SIGSTOP)
        wire.wait_for(self.is_stopped)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def reload(self):
        """Write the configuration as it is now, and wait until it is in force."""
        said = self.reloads("SIGHUP")
        self.write_config()
        self.signal(signal.SIGHUP)
        wire.wait_for(lambda: self.reloads("SIGHUP") > said, message="reload")

    def reloads(self, why=""):
        """How often it said that it reloaded; why: "SIGHUP", or the end of a file's path."""
        return len([line for line in self.errors().splitlines()
                    if line.startswith("sluice: reloaded: ") and line.endswith(f"{why})")])

    def rewrite(self, document, nth=0):
        """Replace an environment document, whole, and ask for a reload."""
        new = self.environments[nth].with_suffix(".new")
        new.write_text(text_of(document))
        new.rename(self.environments[nth])
        self.signal(signal.SIGHUP)

    def check_rest(self):
        """Alive, and with no more descriptors than before the test used it."""
        assert self.process.poll() is None, f"sluice ended by itself:\n{self.errors()}"
        deadline = time.monotonic() + REST_TIMEOUT
        while self.descriptors() > self.idle:
            if time.monotonic() > deadline:
                names = "\n".join(self.descriptor_names())
                raise AssertionError(f"{self.idle} descriptors at first, now:\n{names}")
            time.sleep(0.02)

    def stop(self):
        """SIGTERM; it must end by itself, with status 0 and nothing from a sanitizer."""
        if self.ended:
            return
        self.ended = True
        if self.process.poll() is None:
            self.process.terminate()
        self.check_end()

    def check_end(self, timeout=wire.TIMEOUT):
        self.ended = True
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"no end {timeout} s after SIGTERM:\n{self.errors()}") from None
        finally:
            if self.process.stdout:
                self.process.stdout.close()
        assert not SANITIZER.search(self.stderr()), self.errors()
        assert status == 0, f"status {status}:\n{self.errors()}"


def refuse_to_start(folder, environments, config=None, arguments=(), timeout=wire.TIMEOUT, wrapper=()):
    """Run what must not start; (exit status, stderr)."""
    broken = Sluice(folder, environments, config=config, arguments=arguments, wrapper=wrapper)
    done = subprocess.run(broken.command(), capture_output=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL)
    errors = done.stderr.decode("utf-8", "replace")
    assert not SANITIZER.search(done.stderr), errors
    return done.returncode, errors
