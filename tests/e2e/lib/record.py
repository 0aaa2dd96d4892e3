"""The audit record, read back: every line must be whole JSON."""

import json
import time

from .wire import TIMEOUT


def matches(line, wanted):
    return all(line.get(key) == value for key, value in wanted.items())


class Record:
    def __init__(self, path):
        self.path = path

    def text(self):
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def lines(self, **wanted):
        """All whole lines so far, parsed, that have these values."""
        whole = self.text().split(b"\n")[:-1]
        parsed = [json.loads(line) for line in whole]
        return [line for line in parsed if matches(line, wanted)]

    def wait(self, timeout=TIMEOUT, **wanted):
        """The first such line, waiting for it."""
        return self.wait_count(1, timeout, **wanted)[0]

    def wait_count(self, count, timeout=TIMEOUT, **wanted):
        deadline = time.monotonic() + timeout
        while True:
            found = self.lines(**wanted)
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                tail = "\n".join(map(str, self.lines()[-8:]))
                raise AssertionError(f"{len(found)} of {count} lines {wanted}; the last:\n{tail}")
            time.sleep(0.02)
