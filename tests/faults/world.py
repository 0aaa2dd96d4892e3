"""What stands around the proxy: a name server that knows every name, origins, and a trap.

A name that the policy denies leads to the trap: neither a query for it nor a contact there
may ever happen.  A name below ITSELF leads to an address that is put up after the proxy has
started.  Every other name leads to the origin.
"""

import itertools
import subprocess

from lib import net
from lib.dns import Answer, ScriptedDns
from lib.raw import RawServer, echo
from proxy import ITSELF

BODY = b"a body of some length\n" * 40


def late_address(lane):
    return f"{net.PUBLIC_V4}{100 + lane}"


def serve_http(contact):
    contact.read_until(b"\r\n\r\n")
    contact.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
    contact.read_all()


class Names(ScriptedDns):
    """Remembers the ids of queries, too: of a name for which they are wanted."""

    def __init__(self, script):
        super().__init__(script)
        self.ids = {}       # the first label of a name -> ids
        self.seen = set()

    def _reply(self, packet, *where, **how):
        label = packet[13:13 + packet[12]].decode()
        self.ids.setdefault(label, []).append(packet[:2])
        return super()._reply(packet, *where, **how)

    def are_new(self, name):
        ids = tuple(sorted(self.ids[name.split(".")[0]]))
        known = ids in self.seen
        self.seen.add(ids)
        return not known


class World:
    def __init__(self):
        self._numbers = itertools.count(1)
        self._denied = set()
        self._late = {}
        self._seen = 0
        self.dns = Names(self._answer)
        self.servers = [RawServer(net.RAW, 443, echo), RawServer(net.RAW, 80, serve_http)]
        self.traps = [RawServer(net.RAW_OTHER, port, echo) for port in (80, 443)]

    def _answer(self, name, _kind, _nth):
        if name in self._late:
            return Answer(self._late[name])
        return Answer(net.RAW_OTHER if name in self._denied else net.RAW)

    def name(self, parent, denied=False):
        """A name that no cache knows."""
        name = f"n{next(self._numbers)}.{parent}"
        if denied:
            self._denied.add(name)
        return name

    def name_of_late(self, lane):
        name = self.name(ITSELF)
        self._late[name] = late_address(lane)
        return name

    def late(self, lane, up):
        subprocess.run(["ip", "address", "add" if up else "delete", f"{late_address(lane)}/32",
                        "dev", "lo"], check=True)

    def trouble(self):
        """Denied names that were asked for, and contacts of the trap."""
        asked = self.dns.queries[self._seen:]
        self._seen += len(asked)
        return ([f"a query for {q.name}" for q in asked if q.name in self._denied]
                + [f"a contact on port {t.port}" for t in self.traps if t.contacts])

    def stop(self):
        for server in self.servers + self.traps:
            server.stop()
        self.dns.stop()
