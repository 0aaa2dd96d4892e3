"""The page that inject.c and the driver share, and which failures each call can have."""

import errno
import mmap
import os
import struct
from collections import namedtuple

SHORT = -1              # the call succeeds for one byte
TRACE = struct.Struct("<Q")
FAULT = struct.Struct("<iiQQ")      # the call, the error, which one, how often it has failed
FAULTS = 2
HEAD_SIZE = TRACE.size + FAULTS * FAULT.size
ROW = struct.Struct("<24sQ")
SIZE = 8192

Fault = namedtuple("Fault", "call error nth")

# What the manual pages of the calls list and a machine in trouble really gives.  EAGAIN is
# only here where a call may say so without a reason (a checksum that fails, for recvfrom).
FAILURES = {
    "allocation": ["ENOMEM"],
    "accept4": ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EINTR", "EPROTO",
                "EPERM", "ENETDOWN"],
    "bind": ["EADDRINUSE", "EACCES"],
    "close": ["EINTR", "EIO"],
    "connect": ["EADDRNOTAVAIL", "ECONNREFUSED", "ENETUNREACH", "EPERM", "EINTR", "ENOBUFS"],
    "epoll_create1": ["EMFILE", "ENOMEM"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "epoll_wait": ["EINTR"],
    "eventfd": ["EMFILE", "ENOMEM"],
    "eventfd_read": ["EAGAIN"],
    "fchmodat": ["EPERM", "EROFS"],
    "fcntl": ["EMFILE", "EPERM"],
    "fopen": ["EMFILE", "EACCES", "ENOMEM"],
    "fread": ["EIO"],
    "fstat": ["EIO", "ENOMEM"],
    "getifaddrs": ["ENOBUFS"],
    "getrandom": ["EINTR", "ENOSYS"],
    "getrlimit": ["EPERM"],
    "getsockname": ["ENOBUFS"],
    "getsockopt": ["ENOBUFS"],
    "inotify_add_watch": ["ENOSPC", "ENOMEM"],
    "inotify_init1": ["EMFILE"],
    "listen": ["EADDRINUSE"],
    "lseek": ["EIO"],
    "lstat": ["EACCES", "ENOMEM"],
    "mmap": ["ENOMEM", "EACCES"],
    "open": ["EMFILE", "ENFILE", "EINTR"],
    "pipe2": ["EMFILE", "ENFILE"],
    "pthread_create": ["EAGAIN"],
    "read": ["EINTR", "EIO", SHORT],
    "recv": ["ECONNRESET", "EINTR", "ENOMEM", "ETIMEDOUT", SHORT],
    "recvfrom": ["EAGAIN", "ECONNREFUSED", "ENOMEM"],
    "scandir": ["EMFILE", "ENOMEM", "EACCES"],
    "sched_getaffinity": ["EPERM"],
    "send": ["EPIPE", "ECONNRESET", "EINTR", "ENOBUFS", SHORT],
    "sendmsg": ["ENOBUFS"],
    "setrlimit": ["EPERM"],
    "setsockopt": ["ENOMEM", "ENOBUFS"],
    "shutdown": ["ENOTCONN"],
    "socket": ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"],
    "splice": ["EINVAL", "ENOMEM", "ECONNRESET", "EPIPE", "EINTR", SHORT],
    "stat": ["EACCES", "ENOMEM"],
    "unlink": ["EPERM"],
    "writev": ["ENOSPC", "EIO", "EINTR", "EDQUOT", "EAGAIN", SHORT],
}


def number(error):
    return error if error == SHORT else getattr(errno, error)


class Control:
    """One process's page."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(SIZE))
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), SIZE)
        self.names = {}

    def _rows(self):
        for at in range(HEAD_SIZE, SIZE - ROW.size + 1, ROW.size):
            name, count = ROW.unpack_from(self.page, at)
            if name.rstrip(b"\0"):
                yield at, name.rstrip(b"\0").decode(), count

    def learn(self):
        """The order of the calls, which the program has written by now."""
        self.names = {name: i for i, (_, name, _) in enumerate(self._rows())}

    def arm(self, *faults):
        """Count from here, and let these fail; the first one is the one that fired() asks for."""
        self.disarm()
        TRACE.pack_into(self.page, 0, int("SLUICE_FAULTS_TRACE" in os.environ))
        for at, name, _ in list(self._rows()):
            ROW.pack_into(self.page, at, name.encode(), 0)
        for i, fault in enumerate(faults):
            FAULT.pack_into(self.page, TRACE.size + i * FAULT.size, self.names[fault.call] + 1,
                            number(fault.error), fault.nth, 0)

    def fired(self):
        return FAULT.unpack_from(self.page, TRACE.size)[3]

    def disarm(self):
        """What has fired is still known."""
        for i in range(FAULTS):
            struct.pack_into("<i", self.page, TRACE.size + i * FAULT.size, 0)

    def counts(self):
        return {name: count for _, name, count in self._rows()}
