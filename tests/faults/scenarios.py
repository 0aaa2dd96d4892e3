"""What is being done while one call fails, and what must be true afterwards.

An action returns the word for what happened: served, refused (an answer said no), cut (the
connection ended without one), kept (the old policy), or ended (the program did, and said why).
"""

import json
import signal
import threading
from collections import namedtuple

from control import Fault
from lib.hello import hello
from lib.wire import connect_head, dial, request
from proxy import (ALLOWED, DENIED, OUT_OF_MEMORY, PATIENCE, POLICIES, Violation, demand,
                   environment, until)
from world import BODY

CROWD = 40
MORE = b"more bytes" * 500
MUCH = bytes(range(256)) * 4096 + b"the end"

# A start without one of these could not hear, or would not know what to guard, what is listed
# or how to record.
NEEDED = {"bind", "eventfd", "getifaddrs", "getsockname", "getsockopt", "listen", "mmap", "pipe2",
          "pthread_create", "socket"}


def ask(proxy, sent, method, nth=0):
    """The wire and the answer; None when the connection ended before one."""
    held = dial(proxy.listener(nth))
    try:
        return held, held.send(sent).response(method)
    except TimeoutError:
        held.close()
        raise Violation("no answer, and no end") from None
    except (AssertionError, OSError):
        return held, None


def connect(proxy, name, port=443, nth=0):
    """A CONNECT with the hello right behind it."""
    return ask(proxy, connect_head(f"{name}:{port}") + hello(name), "CONNECT", nth)


def echoed(held, data):
    """Do the bytes come back through the tunnel?  It may be cut, but not stand still."""
    try:
        return held.read(len(data)) == data
    except TimeoutError:
        raise Violation("a tunnel that moves nothing") from None
    except (AssertionError, OSError):
        return False


def is_open(line, name):
    """Whole JSON: a write that was cut short leaves a part of a line, and then the line."""
    try:
        parsed = json.loads(line)
    except ValueError:
        return False
    return parsed["event"] == "open" and parsed["host"] == name


def check_recorded(proxy, name):
    found = [line for line in proxy.record.text().split(b"\n") if name.encode() in line]
    demand(any(is_open(line, name) for line in found), f"200 for {name} without its open line")


def word_of(answer):
    """The word for an answer that is not 200."""
    if answer is None:
        return "cut"
    demand(answer.status >= 400, f"answer {answer.status}")
    return "refused"


def move(held, name):
    """Bytes through a tunnel that is open."""
    if not echoed(held, hello(name)):
        return "cut"
    try:
        held.send(MORE)
    except OSError:
        return "cut"
    return "served" if echoed(held, MORE) else "cut"


def send_much(held):
    try:
        held.send(MUCH)
    except OSError:
        pass                    # it was cut: the reader knows


def move_much(held, name):
    """So many bytes each way that they go through pipes."""
    if not echoed(held, hello(name)):
        return "cut"
    sender = threading.Thread(target=send_much, args=(held,))
    sender.start()
    whole = echoed(held, MUCH)
    if not whole:
        held.close()            # or the sender waits for ever
    sender.join()
    return "served" if whole else "cut"


def tunnel_to(proxy, name, nth=0, move=move):
    held, answer = connect(proxy, name, nth=nth)
    try:
        if answer is None or answer.status != 200:
            return word_of(answer)
        check_recorded(proxy, name)
        return move(held, name)
    finally:
        held.close()


def tunnel(proxy, world):
    return tunnel_to(proxy, world.name(ALLOWED))


def bulk(proxy, world):
    return tunnel_to(proxy, world.name(ALLOWED), move=move_much)


def refused(proxy, world):
    held, answer = connect(proxy, world.name(DENIED, denied=True))
    held.close()
    return word_of(answer)


def forward(proxy, world):
    name = world.name(ALLOWED)
    held, answer = ask(proxy, request(f"http://{name}/path?query"), "GET")
    held.close()
    if answer is None or answer.status != 200:
        return word_of(answer)
    check_recorded(proxy, name)
    demand(answer.body == BODY, f"another body: {answer.body!r}")
    return "served"


def itself(proxy, world):
    """A name that leads to the proxy's own listener, by an address that came after the start."""
    world.late(proxy.lane, True)
    held, answer = connect(proxy, world.name_of_late(proxy.lane), proxy.where[1])
    held.close()
    world.late(proxy.lane, False)
    return word_of(answer)


def reload(proxy, _world):
    said, fresh = len(proxy.stderr()), 1 - proxy.policy
    proxy.rewrite(environment(fresh))
    until(lambda: not proxy.alive or b"reload" in proxy.stderr()[said:], "word about the reload")
    done = b"reloaded" in proxy.stderr()[said:]
    if done or not proxy.alive:
        proxy.policy = fresh    # one that has ended reads it when it starts again
    return "served" if done else "kept"


def crowd(proxy, _world):
    """Clients that say nothing, more than any first table has room for: each has its time-out."""
    wires = []
    try:
        for _ in range(CROWD):
            wires.append(dial(proxy.where))
    except OSError:
        pass                    # it has ended on the way
    try:
        answers = [wire.cut(PATIENCE) for wire in wires]
    except TimeoutError:
        raise Violation("a client that says nothing is never sent away") from None
    finally:
        for wire in wires:
            wire.close()
    return "refused" if all(b"head_timeout" in answer for answer in answers) else "cut"


def check_denied(proxy, world, parent, nth=0):
    name = world.name(parent, denied=True)
    held, answer = connect(proxy, name, nth=nth)
    held.close()
    demand(answer is not None and answer.reason == "host_not_allowed", f"{name}: {answer}")


def check_policy(proxy, world):
    """The policy in force, and only that, however the last reload went."""
    opens, closes = POLICIES[proxy.policy], POLICIES[1 - proxy.policy]
    until(lambda: tunnel_to(proxy, world.name(opens)) == "served", f"tunnel to {opens}")
    check_denied(proxy, world, closes)


def check_after(proxy, world):
    """A process that goes on still serves, still refuses, and has closed all it opened."""
    for nth in range(len(proxy.listeners)):
        until(lambda: tunnel_to(proxy, world.name(ALLOWED), nth) == "served", "later tunnel")
        check_denied(proxy, world, DENIED, nth)
    check_policy(proxy, world)
    proxy.rest()


def check_ids(proxy, world):
    """The ids of the first queries are not those of another start: nobody can foretell them."""
    name = world.name(ALLOWED)
    until(lambda: tunnel_to(proxy, name) == "served", "first tunnel")
    demand(world.dns.are_new(name), "the ids of DNS queries are the same at each start")


def while_running(action, *also):
    """A scenario for a proxy that runs: what the action comes to while the faults are armed."""
    def run(proxy, world, fault):
        proxy.ensure()
        said = len(proxy.stderr())
        proxy.control.arm(fault, *also)
        word = action(proxy, world)
        proxy.control.disarm()
        if OUT_OF_MEMORY in proxy.stderr()[said:]:
            proxy.check_gone()
            return "ended"
        demand(proxy.alive, f"it ended:\n{proxy.errors()}")
        check_after(proxy, world)
        return word
    return run


def start(proxy, world, fault):
    """From the first instruction to the wait for events; ended again each time."""
    proxy.kill()
    proxy.control.arm(fault)
    if proxy.launch():
        proxy.settle()
    proxy.control.disarm()
    if not proxy.alive:
        proxy.check_gone()
        return "ended"
    demand(fault.call not in NEEDED or proxy.control.fired() == 0, "it started all the same")
    proxy.idle = proxy.descriptors()
    check_ids(proxy, world)
    check_after(proxy, world)
    reload(proxy, world)
    check_policy(proxy, world)
    proxy.finish()
    return "served"


def end(proxy, _world, fault):
    """From SIGTERM to the exit status."""
    proxy.ensure()
    proxy.control.arm(fault)
    proxy.process.send_signal(signal.SIGTERM)
    until(lambda: not proxy.alive, "end")
    if proxy.process.returncode == 2:
        proxy.check_gone()
        return "ended"
    proxy.check_ended_well()
    return "served"


# many: see Proxy.  calls: only these; None: all.
Scenario = namedtuple("Scenario", "run many calls", defaults=[None])

SCENARIOS = {
    "start": Scenario(start, False),
    "start-many": Scenario(start, True),
    "connect": Scenario(while_running(tunnel), False),
    "bulk": Scenario(while_running(bulk), False, ["splice", "pipe2", "fcntl"]),
    "pause": Scenario(while_running(tunnel, Fault("accept4", "EMFILE", 1)), False),
    "refused": Scenario(while_running(refused), False),
    "crowd": Scenario(while_running(crowd), False, ["allocation"]),
    "itself": Scenario(while_running(itself), True),
    "http": Scenario(while_running(forward), False),
    "reload": Scenario(while_running(reload), False),
    "end": Scenario(end, False),
}
