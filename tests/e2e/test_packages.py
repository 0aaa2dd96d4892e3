"""allow_package_managers and allow_mcp_servers: what they open, and nothing else."""

import pytest

from lib import refusal
from lib.package_hosts import package_hosts
from lib.raw import echo
from lib.sluice import agent, limited, refuse_to_start, text_of

HOSTS = package_hosts()


@pytest.fixture(scope="module")
def registry_proxy(start_shared):
    return start_shared(limited("*.barrier.example.com", packages=True))


def test_the_reference_set_has_36_hosts():
    assert len(HOSTS) == len(set(HOSTS)) == 36


@pytest.mark.parametrize("host", HOSTS)
def test_a_package_host_is_reached(registry_proxy, authority, host):
    client = authority.wrap(registry_proxy.tunnel(f"{host}:443"), host)
    client.send(f"GET /echo HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert client.response().status == 200
    client.close()
    assert registry_proxy.record.wait(event="close", host=host, port=443)["sni"] == host
    assert registry_proxy.record.wait(event="open", host=host)["reason"] == "package_host"


@pytest.mark.parametrize("host", HOSTS)
def test_a_package_host_is_reached_over_plain_http(registry_proxy, host):
    assert registry_proxy.ask(f"http://{host}/echo").status == 200


@pytest.mark.covers("B10")
@pytest.mark.parametrize("host", HOSTS)
def test_what_is_beside_and_below_a_package_host_is_not(registry_proxy, refused_quietly, host):
    def ask():
        for other in (f"x{host}", f"x.{host}", f"{host}.example.net"):
            refusal.check(registry_proxy.refusal(f"{other}:443"), 403, "host_not_allowed", other)
        refusal.check(registry_proxy.refusal(f"{host}:22"), 403, "port_not_allowed", host)

    refused_quietly(registry_proxy, ask)


def parents():
    """The domains above the hosts that are not hosts of the set themselves."""
    above = {host.partition(".")[2] for host in HOSTS}
    return sorted(name for name in above - set(HOSTS) if "." in name)


@pytest.mark.covers("B17")
@pytest.mark.parametrize("parent", parents())
def test_the_domain_of_a_package_host_is_not_open(registry_proxy, parent):
    for name in (parent, f"upload.{parent}", f"test.{parent}"):
        refusal.check(registry_proxy.refusal(f"{name}:443"), 403, "host_not_allowed", name)


def test_without_the_flag_no_package_host_is_open(start):
    proxy = start(limited("www.example.com", packages=False))
    for host in HOSTS:
        refusal.check(proxy.refusal(f"{host}:443"), 403, "host_not_allowed", host)


def test_the_operator_chooses_the_sets(start):
    proxy = start(limited(packages=True), config={"packages": {"sets": ["pip", "npm"]}})
    wanted = set(package_hosts("pip") + package_hosts("npm"))
    for host in HOSTS:
        assert (proxy.refusal(f"{host}:443").status == 200) == (host in wanted), host


def test_packages_need_the_flag(tmp_path):
    document = limited("www.example.com")
    document["config"]["packages"] = {"pip": ["pandas"]}
    status, errors = refuse_to_start(tmp_path / "s", [document])
    assert status == 2
    assert "allow_package_managers" in errors and "env0.yaml:" in errors


AGENT = agent(("tls", "https://mcp.example.com/sse"), ("plain", "http://api.example.com/mcp"),
              ("odd", "https://tools.example.com:8443/x"),
              ("oddplain", "http://tools.example.com:8080/"))


@pytest.fixture
def mcp(start):
    return start(limited("www.example.com", mcp=True), agents=[AGENT])


@pytest.mark.parametrize("target", ["mcp.example.com:443", "api.example.com:80",
                                    "tools.example.com:8443", "tools.example.com:8080"])
def test_an_mcp_server_is_open_on_its_port(mcp, raw, target):
    raw(echo, port=8443)
    raw(echo, port=8080)
    mcp.tunnel(target).close()
    assert mcp.record.wait(event="open", host=target.split(":")[0])["reason"] == "mcp_server"


@pytest.mark.covers("N14", "B4")
@pytest.mark.parametrize("target", ["mcp.example.com:80", "mcp.example.com:8443",
                                    "api.example.com:443", "tools.example.com:443",
                                    "tools.example.com:80", "tools.example.com:8444"])
def test_an_mcp_server_is_open_on_that_port_only(mcp, target):
    refusal.check(mcp.refusal(target), 403, "port_not_allowed", target.split(":")[0])


@pytest.mark.parametrize("host", ["x.mcp.example.com", "example.com", "other.example.com"])
def test_nothing_else_is_open_for_mcp(mcp, host):
    refusal.check(mcp.refusal(f"{host}:443"), 403, "host_not_allowed", host)


def test_an_https_mcp_port_wants_the_right_name_inside(mcp, raw):
    server = raw(echo, port=8443)
    client = mcp.tunnel("tools.example.com:8443")
    client.send(b"plain text")
    client.cut()
    assert server.contact().received == b""
    assert mcp.record.wait(event="close", host="tools.example.com")["reason"] == "not_tls"


def test_an_http_mcp_server_is_forwarded_to(mcp):
    assert mcp.ask("http://api.example.com/echo").status == 200


def test_without_the_flag_an_agent_must_fit_the_allowed_hosts(tmp_path):
    status, errors = refuse_to_start(
        tmp_path / "s", [limited("www.example.com", mcp=False)],
        arguments=["--agent", str(write_agent(tmp_path))])
    assert status == 2
    assert "mcp.example.com" in errors and "tls" in errors


def write_agent(folder):
    path = folder / "agent.yaml"
    path.write_text(text_of(AGENT))
    return path


def test_mcp_hosts_beside_another_allowed_host(start):
    """A host that is both allowed and an MCP server keeps the ports of both."""
    proxy = start(limited("tools.example.com", mcp=True), agents=[AGENT])
    assert proxy.refusal("tools.example.com:9999").status == 403
    for port, status in ((443, 502), (8443, 502), (8444, 403)):
        assert proxy.refusal(f"tools.example.com:{port}").status == status, port
