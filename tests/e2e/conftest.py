"""Fixtures: the little internet once a session, a proxy for each test that starts one."""

import itertools
import os
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib import net, wire  # noqa: E402  (the path is set above)
from lib.dns import Dnsmasq, ScriptedDns  # noqa: E402
from lib.origin import Origin, Traps  # noqa: E402
from lib.package_hosts import package_hosts  # noqa: E402
from lib.raw import FullServer, RawServer  # noqa: E402
from lib.sluice import Sluice  # noqa: E402
from lib.tls import Authority  # noqa: E402

COLLECTED = pytest.StashKey()   # of the session: all tests, also those of other runs

_barriers = itertools.count()


def pytest_configure(config):
    if os.environ.get("SLUICE_E2E_INSIDE") != "1":
        raise pytest.UsageError("start these tests with tests/e2e/run.py (or `make e2e`)")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Of several runs side by side each has every nth file, and knows all tests all the same."""
    config.stash[COLLECTED] = list(items)
    share, _, shares = os.environ.get("SLUICE_E2E_SHARE", "0/1").partition("/")
    files = sorted({item.path for item in items})
    mine = set(files[int(share)::int(shares)])
    config.hook.pytest_deselected(items=[item for item in items if item.path not in mine])
    items[:] = [item for item in items if item.path in mine]


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    names = [n for n in (*net.HOSTS, *net.CNAMES) if n.count(".") > 1]
    names += ["example.org", "*.example.com", "*.example.net", *package_hosts()]
    return Authority(tmp_path_factory.mktemp("ca"), sorted(set(names)),
                     [net.ORIGIN, net.ORIGIN_V6, net.LITERAL, net.RAW])


@pytest.fixture(scope="session", autouse=True)
def dns(tmp_path_factory):
    server = Dnsmasq(tmp_path_factory.mktemp("dns"), {h: [net.ORIGIN] for h in package_hosts()})
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def origin(tmp_path_factory, authority):
    server = Origin(tmp_path_factory.mktemp("origin"), authority)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def trap_listeners():
    listeners = Traps()
    yield listeners
    listeners.stop()


@pytest.fixture(autouse=True)
def traps(trap_listeners):
    """No test may make the proxy touch a guarded address."""
    yield trap_listeners
    assert trap_listeners.contacts == []


@pytest.fixture(params=[1, 4], ids=["1worker", "4workers"])
def workers(request):
    """For modules whose tests must hold with one worker thread and with several."""
    return request.param


@pytest.fixture
def start(request, tmp_path):
    """Start proxies: start(document, ..., config={...}) -> Sluice, checked and ended afterwards."""
    started = []
    default = request.getfixturevalue("workers") if "workers" in request.fixturenames else 1

    def begin(*environments, prepare=None, **how):
        how.setdefault("workers", default)
        proxy = Sluice(tmp_path / f"sluice{len(started)}", environments, **how)
        if prepare:
            prepare(proxy)      # its files, before it reads them
        proxy.start()
        started.append(proxy)
        return proxy

    yield begin
    wire.close_all()
    try:
        for proxy in started:
            if not proxy.ended:
                proxy.check_rest()
    finally:
        for proxy in started:
            proxy.stop()


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory):
    """The same for a whole module: for tables of many small cases."""
    started = []

    def begin(*environments, **how):
        proxy = Sluice(tmp_path_factory.mktemp("shared"), environments, **how).start()
        started.append(proxy)
        return proxy

    yield begin
    wire.close_all()
    try:
        for proxy in started:
            proxy.check_rest()
    finally:
        for proxy in started:
            proxy.stop()


@pytest.fixture
def raw():
    """Start raw servers: raw(script, address=..., port=...) -> RawServer."""
    servers = []

    def begin(script, address=net.RAW, port=443):
        server = RawServer(address, port, script)
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture
def names():
    """Start name servers: names(script) -> ScriptedDns."""
    servers = []

    def begin(script, **where):
        servers.append(ScriptedDns(script, **where))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture
def full():
    """Start servers that answer no SYN: full(address, port)."""
    servers = []
    yield lambda address, port: servers.append(FullServer(address, port))
    for server in servers:
        server.stop()


@pytest.fixture
def hold():
    """An event for scripts that wait while a test looks; the end of the test sets it."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def refused_quietly(origin, dns):
    """Run something that must not be followed by a query or a contact.

    Whatever the proxy starts for a name, it starts before it asks for a later one: the
    query of a later allowed request is the barrier after which absence means something.
    (A fresh name each time, since the answer that it does not exist is cached.)
    """
    def run(proxy, action):
        queries, contacts = dns.mark(), len(origin.contacts)
        result = action()
        barrier = f"b{next(_barriers)}.barrier.example.com"
        assert proxy.refusal(f"{barrier}:443").status == 502, "the environment must allow it"
        seen = dns.queries(queries)
        assert any(barrier in line for line in seen)
        assert not [line for line in seen if barrier not in line]
        assert origin.contacts[contacts:] == []
        return result

    return run


@pytest.fixture
def mount(tmp_path):
    """Mount file systems: mount("size=128k") -> folder; mount.again(folder, "ro") changes one."""
    if os.environ.get("SLUICE_E2E_MOUNTS") != "1":
        pytest.skip("no mount namespace: it would be mounted for everyone")
    folders = []

    def run(*command):
        subprocess.run([str(word) for word in command], check=True)

    def begin(options="size=8m"):
        folders.append(tmp_path / f"mounted{len(folders)}")
        folders[-1].mkdir()
        run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folders[-1])
        return folders[-1]

    # bind: of the mount, not of the file system, which takes more than a user may have
    begin.again = lambda folder, options: run("mount", "-o", f"remount,bind,{options}", folder)
    yield begin
    for folder in folders:
        run("umount", "--lazy", folder)


@pytest.fixture
def small_disk(mount):
    return mount("size=128k")


@pytest.fixture
def own_etc(tmp_path):
    """A folder, and a wrapper for whom it is /etc."""
    if os.environ.get("SLUICE_E2E_MOUNTS") != "1":
        pytest.skip("no mount namespace: /etc would be mounted for everyone")
    etc = tmp_path / "etc"
    etc.mkdir()
    script = 'mount --bind "$1" /etc && shift && exec "$@"'
    return etc, ["unshare", "--mount", "sh", "-c", script, "sh", str(etc)]


def need(tool):
    """The path of a client program, or skip."""
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not installed")
    return path
