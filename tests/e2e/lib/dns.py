"""Name servers: dnsmasq for the honest names, and a scripted one for the others."""

import socket
import socketserver
import struct
import subprocess
import threading
from collections import namedtuple

from . import net
from .wire import wait_for

A, AAAA = 1, 28
NXDOMAIN, SERVFAIL, REFUSED = 3, 2, 5

Query = namedtuple("Query", "name type")


def encode_name(name):
    labels = name.rstrip(".").split(".") if name else []
    return b"".join(bytes([len(p)]) + p.encode("latin-1") for p in labels) + b"\0"


def _read_question(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += packet[at] + 1
    return ".".join(labels).lower(), struct.unpack_from(">H", packet, at + 1)[0], at + 5


class Dnsmasq:
    """dnsmasq with the records of lib.net and more; everything else does not exist."""

    def __init__(self, folder, more_hosts):
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "queries.log"
        hosts = folder / "hosts"
        table = {**net.HOSTS, **more_hosts}
        hosts.write_text("".join(f"{a} {name}\n" for name, all_ in table.items() for a in all_))
        command = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
                   "--no-hosts", f"--addn-hosts={hosts}", f"--port={net.DNS_PORT}",
                   "--listen-address=127.0.0.1", "--bind-interfaces", "--log-queries",
                   f"--log-facility={self.log}", "--local=/#/", "--pid-file",
                   "--local-ttl=1"]
        command += [f"--cname={alias},{name}" for alias, name in net.CNAMES.items()]
        with open(folder / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(command, stderr=stderr)
        wait_for(self._answers, message="answer from dnsmasq")

    def _answers(self):
        assert self.process.poll() is None, "dnsmasq ended"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            head = struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0)
            try:
                sock.sendto(head + encode_name("www.example.com") + struct.pack(">HH", A, 1),
                            ("127.0.0.1", net.DNS_PORT))
                return len(sock.recv(512)) > 12
            except OSError:
                return False

    def mark(self):
        """A place in the log, for queries()."""
        return self.log.stat().st_size

    def queries(self, since=0):
        """The queries since then, as text lines `query[A] name from ...`."""
        with open(self.log, "rb") as log:
            log.seek(since)
            lines = log.read().decode("latin-1").splitlines()
        return [line.split(": ", 1)[1] for line in lines if "query[" in line]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Answer:
    """What a scripted server says: addresses, or an error code, or nothing at all."""

    def __init__(self, *addresses, ttl=0, code=0, silent=False, truncated=False, raw=None,
                 cname=None):
        self.addresses = addresses
        self.ttl = ttl
        self.code = code
        self.silent = silent
        self.truncated = truncated
        self.raw = raw
        self.cname = cname

    def _record(self, name, kind, data):
        return encode_name(name) + struct.pack(">HHIH", kind, 1, self.ttl, len(data)) + data

    def packet(self, question, name, kind, tcp):
        truncated = self.truncated and not tcp
        answers = []
        owner = name
        if self.cname:
            answers.append(self._record(name, 5, encode_name(self.cname)))
            owner = self.cname
        for address in self.addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if (AAAA if ":" in address else A) == kind and not truncated:
                answers.append(self._record(owner, kind, socket.inet_pton(family, address)))
        flags = 0x8180 | self.code | (0x0200 if truncated else 0)
        head = question[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0)
        return head + question[12:_read_question(question)[2]] + b"".join(answers)


def _same_port(over_tcp, over_udp):
    """A TCP and a UDP server on one port; the one a pick finds free may be taken in the other."""
    for _ in range(20):
        tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), over_tcp)
        try:
            return tcp, socketserver.ThreadingUDPServer(tcp.server_address, over_udp)
        except OSError:
            tcp.server_close()
    raise AssertionError("no port that is free for both UDP and TCP")


class ScriptedDns:
    """A name server whose answers a function decides: script(name, type, nth) -> Answer.

    nth counts the queries for that name and type, from 0.
    """

    def __init__(self, script):
        self.script = script
        self.queries = []
        self._lock = threading.Lock()
        outer = self

        class OverUdp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, sock = self.request
                reply = outer._reply(packet, tcp=False)
                if reply is not None:
                    sock.sendto(reply, self.client_address)

        class OverTcp(socketserver.BaseRequestHandler):
            def handle(self):
                size = struct.unpack(">H", self.request.recv(2, socket.MSG_WAITALL))[0]
                packet = self.request.recv(size, socket.MSG_WAITALL)
                reply = outer._reply(packet, tcp=True)
                if reply is not None:
                    self.request.sendall(struct.pack(">H", len(reply)) + reply)

        self._tcp, self._udp = _same_port(OverTcp, OverUdp)
        self.port = self._udp.server_address[1]
        for server in (self._udp, self._tcp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    def _reply(self, packet, tcp):
        name, kind, _ = _read_question(packet)
        with self._lock:
            query = Query(name, kind)
            nth = self.queries.count(query)
            self.queries.append(query)
        answer = self.script(name, kind, nth)
        if answer.silent:
            return None
        if answer.raw is not None:
            return packet[:2] + answer.raw
        return answer.packet(packet, name, kind, tcp)

    def count(self, name, kind=A):
        return self.queries.count(Query(name, kind))

    def stop(self):
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()
