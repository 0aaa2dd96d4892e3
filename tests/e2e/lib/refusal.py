"""What a refused client must read: head and body as in sluice(8), Refusals."""

PHRASES = {
    400: "Bad Request", 403: "Forbidden", 407: "Proxy Authentication Required",
    408: "Request Timeout", 417: "Expectation Failed", 431: "Request Header Fields Too Large",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}
ALLOWLIST = ("host_not_allowed", "port_not_allowed")


def check(answer, status, reason, host=None):
    """Assert that answer is a refusal of this kind, complete and self-consistent."""
    assert answer.status == status, (answer.head, answer.body)
    assert answer.reason == reason, (answer.head, answer.body)
    phrase = f"{PHRASES[status]}: {reason}"
    if host is not None:
        phrase += f" {host}"
        assert answer.phrase == phrase
    else:
        assert answer.phrase.startswith(phrase)
    assert answer.version == "HTTP/1.1"
    assert answer.get("content-type") == "text/plain; charset=utf-8"
    assert answer.get("x-content-type-options") == "nosniff"
    assert answer.get("connection") == "close"
    assert answer.get("content-length") == str(len(answer.body))
    assert answer.get("proxy-status", "").startswith("sluice; error=")
    assert answer.get("x-deny-reason") == (reason if status < 500 and status != 408 else None)
    assert (answer.get("retry-after") is not None) == (status == 503)
    blocked = answer.get("x-proxy-error")
    assert blocked == ("blocked-by-allowlist" if reason in ALLOWLIST else None)
    assert answer.body.startswith(b"sluice: ") and answer.body.endswith(b"\n")
    assert answer.body.count(b"\n") == 1, answer.body
    if host is not None:
        assert host.encode() in answer.body
    return answer
