"""A program that believes it talks to a person."""

import os
import pty
import time
from pathlib import Path


class Terminal:
    """Standard output and error of a command are one terminal."""

    def __init__(self, command, folder):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execv(command[0], command)

    def wait_to_read(self, path, timeout=60.0):
        """Until it has that file open."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for fd in Path(f"/proc/{self.pid}/fd").iterdir():
                try:
                    if fd.resolve() == path:
                        return
                except OSError:
                    continue    # it was closed meanwhile
        raise AssertionError(f"{path} was not opened")

    def end(self):
        """Its status, and all that it showed."""
        shown = b""
        try:
            while piece := os.read(self.fd, 65536):
                shown += piece
        except OSError:
            pass    # Linux says EIO when nobody has the other end any more
        os.close(self.fd)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), shown.decode()
