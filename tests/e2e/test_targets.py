"""Hostile spellings of a target: refused by grammar or by policy, and never looked up."""

import pytest

from lib.sluice import limited, unrestricted

# (target as sent, status, reason): the environment allows www.example.com and *.example.org.
TABLE = [
    ("www.example.com\0.evil.example.net:443", 400, "bad_target"),
    ("evil.example.net\0.a.example.org:443", 400, "bad_target"),
    ("www.example.com\t:443", 400, "bad_target"),
    ("www.example.com\x0b:443", 400, "bad_target"),
    ("www.example.com\x7f:443", 400, "bad_target"),
    ("www.example.com%00.evil.example.net:443", 400, "bad_target"),
    ("%77ww.example.com:443", 400, "bad_target"),
    ("www%2eexample.com:443", 400, "bad_target"),
    ("www.example.com%253a:443", 400, "bad_target"),
    ("user@www.example.com:443", 400, "bad_target"),
    ("www.example.com:443@evil.example.net:443", 400, "bad_target"),
    ("www.example.com:443:443", 400, "bad_target"),
    ("evil.example.net#.a.example.org:443", 400, "bad_target"),
    ("evil.example.net?.a.example.org:443", 400, "bad_target"),
    ("evil.example.net/.a.example.org:443", 400, "bad_target"),
    ("evil.example.net\\.a.example.org:443", 400, "bad_target"),
    ("evil.example.net,www.example.com:443", 400, "bad_target"),
    (".www.example.com:443", 400, "bad_target"),
    ("www..example.com:443", 400, "bad_target"),
    ("www.example.com..:443", 400, "bad_target"),
    (".a.example.org:443", 400, "bad_target"),
    (".:443", 400, "bad_target"),
    (":443", 400, "bad_target"),
    ("*.example.org:443", 400, "bad_target"),
    ("*:443", 400, "bad_target"),
    ("x" * 64 + ".example.org:443", 400, "bad_target"),
    (".".join(["x" * 60] * 4) + ".a.example.org:443", 400, "bad_target"),
    ("x" * 20000 + ".example.org:443", 400, "bad_target"),
    ("www.ex\u00e4mple.com:443", 400, "bad_target"),
    ("www.example\xe3\x80\x82com:443", 400, "bad_target"),
    ("\xef\xbd\x97ww.example.com:443", 400, "bad_target"),
    ("[www.example.com]:443", 400, "bad_target"),
    ("[www.example.com:443", 400, "bad_target"),
    ("www.example.com]:443", 400, "bad_target"),
    ("www.example.com", 400, "bad_target"),
    ("www.example.com:", 400, "bad_target"),
    ("www.example.com:0", 400, "bad_target"),
    ("www.example.com:65536", 400, "bad_target"),
    ("www.example.com:65979", 400, "bad_target"),
    ("www.example.com:+443", 400, "bad_target"),
    ("www.example.com:-443", 400, "bad_target"),
    ("www.example.com:0443", 400, "bad_target"),
    ("www.example.com:0x1bb", 400, "bad_target"),
    ("www.example.com:443a", 400, "bad_target"),
    ("www.example.com:https", 400, "bad_target"),
    ("www.example.com:99999999999999999999443", 400, "bad_target"),
    ("2130706433:443", 400, "bad_target"),
    ("0177.0.0.1:443", 400, "bad_target"),
    ("0x7f.1:443", 400, "bad_target"),
    ("0x7f000001:443", 400, "bad_target"),
    ("127.1:443", 400, "bad_target"),
    ("127.0.0.01:443", 400, "bad_target"),
    ("127.0.0.1.:443", 400, "bad_target"),
    ("127.0.0.256:443", 400, "bad_target"),
    ("1.2.3.4.5:443", 400, "bad_target"),
    ("0:443", 400, "bad_target"),
    ("www.example.123:443", 400, "bad_target"),
    ("::1:443", 400, "bad_target"),
    ("[::1:443", 400, "bad_target"),
    ("[[::1]]:443", 400, "bad_target"),
    ("[fe80::1%25eth0]:443", 400, "bad_target"),
    ("[fe80::1%eth0]:443", 400, "bad_target"),
    ("[127.0.0.1]:443", 400, "bad_target"),
    ("[1::2::3]:443", 400, "bad_target"),
    ("127.0.0.1:443", 403, "address_not_allowed"),
    ("0.0.0.0:443", 403, "address_not_allowed"),
    ("10.0.0.5:443", 403, "address_not_allowed"),
    ("192.168.7.7:443", 403, "address_not_allowed"),
    ("100.64.1.1:443", 403, "address_not_allowed"),
    ("198.18.0.9:443", 403, "address_not_allowed"),
    ("224.0.0.1:443", 403, "address_not_allowed"),
    ("255.255.255.255:443", 403, "address_not_allowed"),
    ("169.254.169.254:80", 403, "metadata_service"),
    ("100.100.100.200:80", 403, "metadata_service"),
    ("168.63.129.16:80", 403, "metadata_service"),
    ("[fd00:ec2::254]:80", 403, "metadata_service"),
    ("[::1]:443", 403, "address_not_allowed"),
    ("[::]:443", 403, "address_not_allowed"),
    ("[::ffff:10.0.0.5]:443", 403, "address_not_allowed"),
    ("[::ffff:a9fe:a9fe]:80", 403, "metadata_service"),
    ("[::10.0.0.5]:443", 403, "address_not_allowed"),
    ("[::ffff:0:10.0.0.5]:443", 403, "address_not_allowed"),
    ("[64:ff9b::10.0.0.5]:443", 403, "address_not_allowed"),
    ("[64:ff9b::169.254.169.254]:80", 403, "metadata_service"),
    ("[64:ff9b:1::1]:443", 403, "address_not_allowed"),
    ("[2002:a00:5::1]:443", 403, "address_not_allowed"),
    ("[2001:0:5db8:d70a::1]:443", 403, "address_not_allowed"),
    ("[fd12:3456::7]:443", 403, "address_not_allowed"),
    ("[fe80::1]:443", 403, "address_not_allowed"),
    ("[ff02::1]:443", 403, "address_not_allowed"),
    ("[4000::1]:443", 403, "address_not_allowed"),
    ("localhost:443", 403, "special_use_name"),
    ("LOCALHOST.:443", 403, "special_use_name"),
    ("x.localhost:443", 403, "special_use_name"),
    ("printer.local:443", 403, "special_use_name"),
    ("hidden.onion:443", 403, "special_use_name"),
    ("router.home.arpa:443", 403, "special_use_name"),
    ("intranet:443", 403, "special_use_name"),
    ("metadata.google.internal:80", 403, "metadata_service"),
    ("Metadata.Google.Internal.:80", 403, "metadata_service"),
]
# Only a limited environment refuses these.
LIMITED = [
    ("www.example.com.evil.example.net:443", 403, "host_not_allowed"),
    ("evilwww.example.com:443", 403, "host_not_allowed"),
    ("wwwXexample.com:443", 403, "host_not_allowed"),
    ("example.com:443", 403, "host_not_allowed"),
    ("example.org:443", 403, "host_not_allowed"),
    ("badexample.org:443", 403, "host_not_allowed"),
    ("secret-data.evil.example.net:443", 403, "host_not_allowed"),
    ("www_example.com:443", 403, "host_not_allowed"),
    ("xn--wwwexample-0na.com:443", 403, "host_not_allowed"),
    ("93.184.215.10:443", 403, "host_not_allowed"),
    ("[2606:2800:21f:cb07::10]:443", 403, "host_not_allowed"),
    ("www.example.com:8443", 403, "port_not_allowed"),
    ("www.example.com:22", 403, "port_not_allowed"),
    ("www.example.com:65535", 403, "port_not_allowed"),
]
DOCUMENTS = {
    "limited": limited("www.example.com", "*.example.org", "*.barrier.example.com"),
    "unrestricted": unrestricted(),
}


@pytest.fixture(scope="module")
def proxies(start_shared):
    return {mode: start_shared(document) for mode, document in DOCUMENTS.items()}


def ids(rows):
    return [f"{i}-{t[:24]!a}" for i, (t, _, _) in enumerate(rows)]


def http_url(target):
    host, colon, port = target.rpartition(":")
    return f"http://{host}{colon}{port}/" if colon else f"http://{target}/"


def assert_refused(answer, status, reason):
    # A control byte makes the request line itself malformed: either word is true.
    reasons = {reason, "bad_request"} if status == 400 else {reason}
    assert answer.status == status, (answer.head, answer.body)
    assert answer.reason in reasons
    for byte in answer.head.replace(b"\r\n", b"") + answer.body.rstrip(b"\n"):
        assert 0x20 <= byte < 0x7F, "what was sent must not come back as it was"


@pytest.mark.covers("N1", "N5", "N7", "N8", "N9", "N10", "N11", "N12", "N13",
                    "N16", "A1", "A2", "A3", "A4", "A5", "A8", "B5", "B6")
@pytest.mark.parametrize("mode", DOCUMENTS)
@pytest.mark.parametrize("target, status, reason", TABLE, ids=ids(TABLE))
def test_refused_in_both_modes(proxies, refused_quietly, mode, target, status, reason):
    proxy = proxies[mode]
    answer = refused_quietly(proxy, lambda: proxy.refusal(target.encode("latin-1")))
    assert_refused(answer, status, reason)


@pytest.mark.covers("N2", "N3", "N4", "N14", "N15", "N17", "B2", "B10", "B11")
@pytest.mark.parametrize("target, status, reason", LIMITED, ids=ids(LIMITED))
def test_refused_in_limited(proxies, refused_quietly, target, status, reason):
    proxy = proxies["limited"]
    answer = refused_quietly(proxy, lambda: proxy.refusal(target.encode("latin-1")))
    assert_refused(answer, status, reason)


# In an http URI the port may be left out, and what follows "/", "?" or "#" is not the host.
URI_DIFFERS = ("/", "?", "#")


@pytest.mark.covers("N1", "N9", "A1", "A4", "A5")
@pytest.mark.parametrize("target, status, reason",
                         [row for row in TABLE + LIMITED
                          if ":" in row[0] and not row[0].endswith(":")
                          and not any(c in row[0] for c in URI_DIFFERS)])
def test_refused_as_http_uri(proxies, refused_quietly, target, status, reason):
    proxy = proxies["limited"]
    if reason == "host_not_allowed" or reason.startswith("port"):
        target = target.replace(":443", ":80")
    head = f"GET {http_url(target)} HTTP/1.1\r\nHost: www.example.com\r\n\r\n"

    def ask():
        client = proxy.dial()
        client.send(head.encode("latin-1"))
        answer = client.response()
        client.close()
        return answer

    assert_refused(refused_quietly(proxy, ask), status, reason)


@pytest.mark.covers("N5", "N6", "B5")
@pytest.mark.parametrize("spelling", ["www.example.com", "WWW.EXAMPLE.COM", "www.example.com.",
                                      "Www.Example.Com."])
def test_spellings_of_one_name_are_one_name(proxies, spelling):
    proxy = proxies["limited"]
    client = proxy.tunnel(f"{spelling}:80")
    client.send(b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert client.response().status == 200
    answer = proxy.ask(f"http://{spelling}/echo", fields=["Connection: close"])
    fields = dict(answer.json()["fields"])
    assert fields["host"] == "www.example.com"
    assert {line["host"] for line in proxy.record.lines(event="open")} == {"www.example.com"}
