"""One proxy of the failure-injection build, restarted whenever a fault has ended it."""

import select
import signal
import socket
import subprocess
import threading

from control import Control
from lib.images import compiled
from lib.sluice import LISTENING, SANITIZER, Sluice, limited
from lib.wire import wait_for

LANES = 2               # proxies that are tried side by side
FIRST_PORT = 10000      # below those that the kernel gives out
PATIENCE = 20.0         # seconds; only a hang lasts so long
OUT_OF_MEMORY = b"sluice: out of memory"
ALLOWED, DENIED, ITSELF = "ok.example.com", "no.example.com", "itself.example.com"
POLICIES = ["a.example.com", "b.example.com"]   # each reload opens one and closes the other


class Violation(Exception):
    """What must not happen, whatever fails."""


def demand(truth, message):
    if not truth:
        raise Violation(message)


def until(what, message):
    try:
        return wait_for(what, PATIENCE, 0.002, message)
    except AssertionError as problem:
        raise Violation(str(problem)) from None


def environment(nth):
    return limited(f"*.{ALLOWED}", f"*.{ITSELF}", f"*.{POLICIES[nth]}", name="faults")


class Collector:
    """A record that goes to a Unix datagram socket: one line each, or it shows."""

    def __init__(self, path):
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(str(path))
        self._received = []
        self._lock = threading.Lock()
        threading.Thread(target=self._collect, daemon=True).start()

    def _drain(self):
        with self._lock:
            while select.select([self._sock], [], [], 0)[0]:
                self._received.append(self._sock.recv(1 << 20))

    def _collect(self):
        while True:
            select.select([self._sock], [], [])
            self._drain()

    def clear(self):
        self._drain()
        self._received.clear()

    def text(self):
        """What was sent before this call.  Several lines in a datagram are no JSON."""
        self._drain()
        return b"\n".join(d.rstrip(b"\n").replace(b"\n", b"|") for d in list(self._received))


class Proxy(Sluice):
    """many: two workers, every address of the machine, a folder of documents, a collector."""

    def __init__(self, folder, dns, lane, many):
        folder.mkdir(parents=True)
        self.lane, self.many = lane, many
        self.port = FIRST_PORT + lane
        self.socket = folder / "s"
        super().__init__(folder, [environment(0)], config=self.settings(folder, dns),
                         workers=2 if many else 1)
        if many:
            self.use_folder()
            self.record = Collector(folder / "collector")
        self.control = Control(folder / "control")
        self.wrapper = ["env", f"SLUICE_FAULTS={self.control.path}"]
        self.policy = 0         # of POLICIES, the one in force

    def settings(self, folder, dns):
        """Every kind of file that a start reads, a Unix socket beside TCP, and short clocks."""
        (folder / "feed.domains").write_text("listed.example.com\n")
        compiled(folder / "feed.slb", ("listed.example.net\n", ""))
        (folder / "hosts").write_text("192.0.2.1 unused.example.com\n")
        more = {"environments": ["environments"],
                "audit": {"path": str(folder / "collector")}} if self.many else {}
        return {
            "listeners": [{"address": "127.0.0.1:0"},
                          {"unix": str(self.socket), "mode": "0660"}],
            "resolver": {"servers": [dns], "hosts_file": str(folder / "hosts"), "timeout": "3s"},
            "blocklists": [{"path": "feed.domains"}, {"path": "feed.slb"}],
            "timeouts": {"connect": "3s", "head": "5s", "hello": "5s", "half_close": "3s",
                         "drain": "2s"},
            **more,
        }

    def use_folder(self):
        inside = self.folder / "environments" / self.environments[0].name
        inside.parent.mkdir()
        self.environments[0].rename(inside)
        self.environments[0] = inside

    def take_port(self):
        """A port that is known before the start, and new: a failed SO_REUSEADDR holds the last."""
        self.port += LANES
        self.config["listeners"][0] = {"address": f"0.0.0.0:{self.port}"}
        self.config["operator"] = {"ports": {"limited": [443, 80, self.port]}}
        self.write_config()

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def prepare_record(self):
        """As after a crash: the file ends within a line, and the socket's file is still there."""
        if self.many:
            self.record.clear()
        else:
            self.record.path.write_bytes(b'{"a line without its end')
        self.socket.unlink(missing_ok=True)
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(self.socket))
        left.close()

    def launch(self):
        """Start it: True when it listens, False when it has ended."""
        self.prepare_record()
        if self.many:
            self.take_port()
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=stderr)
        until(lambda: self._listens_now() or not self.alive, "start, and no end")
        return self._listens_now()

    def _listens_now(self):
        self.listeners = [m.decode() for m in LISTENING.findall(self.stderr())]
        return len(self.listeners) == len(self.config["listeners"])

    def settle(self):
        """Until all threads wait for events: the start is over."""
        threads = 1 + self.config["workers"]
        until(lambda: self.control.counts()["epoll_wait"] >= threads or not self.alive,
              "rest after the start")

    def ensure(self):
        """Running, with nothing armed."""
        if self.alive:
            return
        self.control.arm()
        demand(self.launch(), f"it does not start any more:\n{self.errors()}")
        self.settle()
        self.idle = self.descriptors()

    def check_gone(self):
        """It has ended by itself: with status 2, and it said why."""
        status = self.process.wait(PATIENCE)
        demand(not SANITIZER.search(self.stderr()), self.errors())
        demand(status == 2, f"status {status}:\n{self.errors()}")
        demand(self.stderr().strip(), "it ended, and did not say why")

    def rest(self):
        """All that a point opened is closed again."""
        until(lambda: not self.alive or self.descriptors() <= self.idle,
              "rest: descriptors stay open")

    def finish(self):
        """SIGTERM: status 0, no leak."""
        self.control.disarm()
        if not self.alive:
            return
        self.process.send_signal(signal.SIGTERM)
        self.check_ended_well()

    def check_ended_well(self):
        try:
            self.check_end(PATIENCE)
        except AssertionError as problem:
            raise Violation(str(problem)) from None

    def kill(self):
        if self.alive:
            self.process.kill()
            self.process.wait()
