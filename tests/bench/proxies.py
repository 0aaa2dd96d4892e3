"""What is measured: the proxy itself, a bare relay, and whichever peers are installed.

Each has a policy for *.bench.example.net with limits on ports, and a line in a log for each
tunnel, like the proxy itself; haproxy and nginx relay TCP and know no CONNECT, so that
they save a round trip and have no policy.  direct is no proxy at all.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections import namedtuple
from string import Template

DESTINATIONS, SERVICES, UPSTREAM_PORT, TLS_PORT = 16, 4, 9000, 9003
PORTS = list(range(UPSTREAM_PORT, UPSTREAM_PORT + SERVICES))
HOSTS = "127.0.0.1 localhost\n" + "".join(
    f"127.1.0.{i} h{i}.bench.example.net\n" for i in range(1, DESTINATIONS + 1))
START_TIMEOUT, END_TIMEOUT = 20, 5

ALL = {"rate", "deny", "rtt", "bulk", "idle", "start"}
RELAY = ALL - {"deny"}

ENVIRONMENT = json.dumps({"name": "bench", "config": {"type": "cloud", "networking": {
    "type": "limited", "allowed_hosts": ["*.bench.example.net"]}}})

SQUID = """\
http_port 127.0.0.1:$port
cache_effective_user proxy
pid_filename none
visible_hostname localhost
cache_log $folder/cache.log
access_log stdio:$folder/access.log
coredump_dir $folder
cache deny all
cache_mem 8 MB
pinger_enable off
max_filedescriptors 20000
shutdown_lifetime 0 seconds
acl bench_ports port 9000-9003
acl bench_hosts dstdomain -n .bench.example.net
http_access deny !bench_ports
http_access allow CONNECT bench_hosts
http_access deny all
"""

TINYPROXY = """\
Port $port
Listen 127.0.0.1
Timeout 600
MaxClients 20000
LogFile "$folder/access.log"
LogLevel Connect
PidFile "$folder/pid"
Allow 127.0.0.0/8
Filter "$folder/filter"
FilterType ere
FilterDefaultDeny Yes
DisableViaHeader Yes
""" + "".join(f"ConnectPort {port}\n" for port in PORTS)

HAPROXY = """\
global
  maxconn 9500
  maxpipes 100
  tune.pipesize 1048576
  nbthread 1
  log stdout format raw daemon
defaults
  mode tcp
  log global
  option tcplog
  option splice-request
  option splice-response
  timeout connect 10s
  timeout client 600s
  timeout server 600s
"""

NGINX = """\
load_module $module;
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid $folder/pid;
error_log $folder/error.log;
events { worker_connections 19500; }
stream {
  log_format line '$$remote_addr [$$time_local] $$status $$bytes_sent $$bytes_received';
  access_log $folder/access.log line;
  proxy_timeout 600s;
"""
NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


def _haproxy():
    text = HAPROXY
    for i, port in enumerate(PORTS):
        text += f"listen s{i}\n  bind 127.0.0.1:{PEER_PORT + i}\n  balance roundrobin\n"
        text += "".join(f"  server d{n} 127.1.0.{n}:{port}\n"
                        for n in range(1, DESTINATIONS + 1))
    return text


def _nginx():
    text = NGINX
    for i, port in enumerate(PORTS):
        servers = " ".join(f"server 127.1.0.{n}:{port};" for n in range(1, DESTINATIONS + 1))
        text += (f"  upstream s{i} {{ {servers} }}\n  server {{"
                 f" listen 127.0.0.1:{PEER_PORT + i} backlog=4096; proxy_pass s{i}; }}\n")
    return text + "}\n"


def sluice_config(workers=1, **more):
    return json.dumps({
        "environments": ["$folder/environment.yaml"],
        "listeners": [{"address": "127.0.0.1:$port"}],
        "operator": {"exempt": [{"net": "127.0.0.0/8", "ports": PORTS}],
                     "ports": {"limited": [443, 80, *PORTS]}},
        "tls_ports": [TLS_PORT], "audit": {"path": "$folder/audit.jsonl"}, "workers": workers,
        **more})


PEER_PORT = 3110
Proxy = namedtuple("Proxy", "name via kinds files command needs workers", defaults=[1])


def known():
    """All of them, in the order of the table."""
    load, sluice = os.environ["LOAD"], os.environ["SLUICE"]

    def ours(name, kinds, **how):
        files = {"sluice.yaml": sluice_config(**how), "environment.yaml": ENVIRONMENT}
        return Proxy(name, "--proxy", kinds, files,
                     [sluice, "serve", "--config", "$folder/sluice.yaml"], [],
                     how.get("workers", 1))

    floor = [load, "floor", "--listen", "127.0.0.1:$port"]
    return [
        Proxy("direct", None, {"rate", "rtt", "bulk"}, {}, None, []),
        Proxy("floor", "--proxy", ALL | {"tls", "calls"}, {}, floor, []),
        Proxy("floor-splice", "--proxy", {"bulk"}, {}, [*floor, "--splice"], []),
        ours("sluice", ALL | {"tls", "calls", "workers"}),
        ours("sluice-2", {"workers"}, workers=2),
        ours("sluice-off", {"tls"}, tls_names="off"),
        Proxy("squid", "--proxy", ALL | {"tls", "calls"}, {"squid.conf": SQUID},
              ["squid", "-N", "-f", "$folder/squid.conf"], ["squid"]),
        Proxy("haproxy", "--relay", RELAY | {"calls"}, {"haproxy.cfg": _haproxy()},
              ["haproxy", "-db", "-f", "$folder/haproxy.cfg"], ["haproxy"]),
        Proxy("nginx", "--relay", RELAY | {"calls"}, {"nginx.conf": _nginx()},
              ["nginx", "-c", "$folder/nginx.conf"], ["nginx", NGINX_MODULE]),
        # A thread a tunnel, and its log is synchronised to the disk: no peer for the rest.
        Proxy("tinyproxy", "--proxy", {"rate", "deny", "start"},
              {"tinyproxy.conf": TINYPROXY, "filter": r"^(.*\.)?bench\.example\.net$$"},
              ["tinyproxy", "-d", "-c", "$folder/tinyproxy.conf"], ["tinyproxy"]),
    ]


def installed(proxy):
    return all(shutil.which(need) or os.path.exists(need) for need in proxy.needs)


class Running:
    """A proxy with its files in a folder of its own; a context in which it serves."""

    def __init__(self, proxy, folder, upstream, port=PEER_PORT):
        self.proxy = proxy
        self.upstream = upstream        # whose processor time it is when there is no proxy
        self.process = None
        self.folder = folder / proxy.name
        self.where = f"127.0.0.1:{port}"
        words = {"folder": self.folder, "port": port, "module": NGINX_MODULE}
        self.command = [Template(word).substitute(words) for word in proxy.command or []]
        self.files = {name: Template(text).substitute(words)
                      for name, text in proxy.files.items()}

    def prepare(self):
        """Its log is empty again; it may write there whomever it makes itself."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.folder.chmod(0o777)
        for name, text in self.files.items():
            (self.folder / name).write_text(text)

    def arguments(self):
        """How the load program reaches it."""
        return [self.proxy.via, self.where] if self.proxy.via else []

    @property
    def pid(self):
        return self.process.pid if self.process else self.upstream

    def __enter__(self):
        self.prepare()
        if self.command:
            with open(self.folder / "output", "wb") as output:
                self.process = subprocess.Popen(self.command, stdout=output, stderr=output,
                                                stdin=subprocess.DEVNULL)
            self._wait()
        return self

    def _wait(self):
        host, port = self.where.split(":")
        deadline = time.monotonic() + START_TIMEOUT
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        said = (self.folder / "output").read_text(errors="replace")[-500:]
        self.__exit__()
        raise RuntimeError(f"{self.proxy.name} did not start: {said}")

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(END_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
