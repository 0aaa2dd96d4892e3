"""Writes seeds of the session target: scripts a person can read, as the bytes that session_fuzz.c takes.

Usage: session_seeds.py FOLDER

A script is a text: steps between semicolons, each an operation and its operands.  A step that ends
in `+` shares its callback with the next one, in `~` is followed by a single turn of the loop.
Sockets are c0, c1 ... in the order clients came, and s0, s1 ... among the connected servers.
"""

import pathlib
import sys

OPERATIONS = "client word bytes flood fin gone reset read quirk answer arrive plan policy sink drain over pass urgent pipes".split()
HOSTS = "one two three never denied listed literal private v6".split()
PORTS = "443 80 8443 25 3128".split()
CLIENT = (
    "connect connect10 get get10 get-close head post put post-chunked post-expect hello chunk last-chunk bad-chunk"
    " head-begin head-rest origin-form userinfo bad-expect ssh tls tls-nameless tls-ech tls-begin tls-rest"
    " tls-broken tls-second long-field"
).split()
SERVER = (
    "ok ok-long ok-chunked ok-close continue switching no-content not-modified two-lengths ok-begin hello chunk"
    " last-chunk bad-chunk ssh server-hello retry retry-begin retry-rest warning tls-broken"
).split()
ANSWERS = "nothing failure timeout good mixed private metadata listed itself many".split()
ARRIVALS = "ok refused silent unreachable reset".split()
RESETS = "reset timeout pipe unreachable".split()
READS = "1 7 100 4096 all".split()
ROUTES = "slow open refused no-route no-socket no-watch interrupt".split()
WINDOWS = "all none 1 100".split()
SINKS = "takes stalls unseen busy fails".split()
PIPES = "large small none no-fill no-drain interrupt".split()
PIECES = "0 1 100 1000".split()
TIMES = "0 1 10 50 250 1000 2500 5000 10000 60000 3600000".split()
TTLS = "0 1 60 forever".split()


def socket(name):
    return int(name[1:]) + (128 if name[0] == "s" else 0)


def where(host="one", port="443"):
    return HOSTS.index(host) + 16 * PORTS.index(port)


def plan(what, value="0", ttl="60"):
    if what in ("aaaa", "a"):
        return [4 + (what == "a"), answer(value, ttl)]
    if what == "forget":
        return [7, 0]
    kinds = {"route": ROUTES, "window": WINDOWS, "newest": ["0", "1"], "at-once": ["0", "1"], "one-at-once": ["0", "1"]}
    number = {"route": 0, "window": 1, "newest": 2, "at-once": 3, "one-at-once": 6}
    return [number[what], kinds[what].index(value)]


def answer(how, ttl="60"):
    return ANSWERS.index(how) + 64 * TTLS.index(ttl)


def quirk(who, what, n="1"):
    kind = ["pieces", "whole", "interrupted", "woken"].index(what)
    return [socket(who), kind + 4 * ((int(n) - 1) if what == "pieces" else int(n) if what == "interrupted" else 0)]


def word(who, name, *target):
    return [socket(who), (SERVER if who[0] == "s" else CLIENT).index(name), where(*target)]


OPERANDS = {
    "client": lambda at, user="known": ["a", "b", "unix"].index(at) and [["a", "b", "unix"].index(at)] or [0],
    "word": word,
    "bytes": lambda who, *words: [socket(who), len(" ".join(words)), *" ".join(words).encode()],
    "flood": lambda who, n: [socket(who), int(n) - 1],
    "fin": lambda who: [socket(who)],
    "gone": lambda who: [socket(who)],
    "reset": lambda who, how="reset": [socket(who), RESETS.index(how)],
    "read": lambda who, n="all": [socket(who), READS.index(n)],
    "quirk": quirk,
    "answer": lambda n, how, ttl="60": [int(n), answer(how, ttl)],
    "arrive": lambda n="0", how="ok": [int(n), ARRIVALS.index(how)],
    "plan": plan,
    "policy": lambda n: [int(n)],
    "sink": lambda mode, piece="0": [sink_byte(mode, piece)],
    "drain": lambda: [],
    "over": lambda: [],
    "urgent": lambda who: [socket(who)],
    "pipes": lambda kind: [PIPES.index(kind)],
    "pass": lambda ms: [TIMES.index(ms)],
}


def sink_byte(mode, piece):
    """The mode is the byte modulo five, the piece its two highest bits."""
    return next(b for b in range(64 * PIECES.index(piece), 256) if b % 5 == SINKS.index(mode))


def assemble(script):
    out = bytearray()
    for step in filter(None, (part.split() for part in script.replace("\n", " ").split(";"))):
        flag = {"+": 0x80, "~": 0x40}.get(step[-1], 0)
        name, *operands = step[:-1] if flag else step
        out += bytes([OPERATIONS.index(name) | flag, *OPERANDS[name](*operands)])
    return bytes(out)


READY = "plan at-once 1; plan aaaa good; plan a good; plan route open;"
TUNNEL = READY + "client a; word c0 connect one 443; word c0 tls one;"
OPEN_TUNNEL = READY + "client b; word c0 connect one 8443;"
BULK = OPEN_TUNNEL + "word c0 ssh; flood s0 256; read c0; flood s0 256; read c0;"
GET = READY + "client a; word c0 get one 80;"

SEEDS = {
    # reading
    "silent-client": "client a; pass 10000",
    "slow-head": "client a; word c0 head-begin one 80; pass 10000",
    "slow-head-drips": "client a; bytes c0 G; pass 5000; bytes c0 E; pass 2500; bytes c0 T; pass 2500",
    "head-in-two": READY + "client a; word c0 head-begin one 80; word c0 head-rest; word s0 ok; fin c0",
    "client-leaves": "client a; word c0 head-begin; fin c0",
    "client-reset-reading": "client a; bytes c0 GET +; reset c0",
    "bad-requests": "client a; word c0 origin-form one; client a; word c1 userinfo; client a; word c2 ssh;"
    " client a; word c3 bad-expect one 80; client a; word c4 long-field one; pass 5000",
    "byte-by-byte": READY + "client a; quirk c0 pieces 1; word c0 connect one 443 +; word c0 tls one; word s0 server-hello",
    "interrupted": READY + "client a; quirk c0 interrupted 7; word c0 connect one; word c0 tls one; quirk s0 interrupted 5;"
    " word s0 server-hello; flood s0 3; flood c0 3",
    "refused-hosts": "client a; word c0 connect two; client a; word c1 connect private; client b; word c2 connect denied;"
    " client b; word c3 get listed 80; client b; word c4 connect private; pass 5000",
    "refused-ports": "client a; word c0 connect one 25; client a; word c1 connect one 8443; client b; word c2 connect one 25;"
    " client a; word c3 get one 443",
    "bytes-behind-refusal": "client a; word c0 connect two +; word c0 connect one +; word c0 tls one; word c0 get one 80; fin c0",
    "refusal-unread": "plan window none; client a; word c0 connect two; word c0 tls two; read c0 7; read c0 all; pass 5000",
    "refusal-reset": "plan window none; client a; word c0 connect two; reset c0 pipe",
    "refusal-long-upload": "client a; word c0 connect two; flood c0 255; flood c0 255; fin c0; pass 5000",
    # places
    "overloaded": "client a; client a; client a; client a; client a; client a; client a; client a; client b; client b; client b; client b; pass 10000",
    "unknown-user": "policy 2; client unix; word c0 connect one; pass 5000",
    # reaching
    "names": "client a; word c0 connect one; answer 0 good; answer 0 good; arrive; word c0 tls one; word s0 server-hello; fin c0; fin s0",
    "names-late": "client a; word c0 connect one; answer 1 good; pass 50; pass 250; answer 0 good; arrive 1; fin s0",
    "names-partial": "client a; word c0 connect one; answer 0 failure; answer 0 good; arrive; reset s0",
    "names-none": "client a; word c0 connect one; answer 0 nothing; answer 0 nothing",
    "names-fail": "client a; word c0 connect one; answer 0 failure; answer 0 timeout",
    "names-never": "client a; word c0 connect one; pass 5000",
    "names-after-all": "client a; word c0 connect one; pass 5000; client a; word c1 connect one; answer 0 good; arrive",
    "names-late-for-one": "client a; word c0 connect one; pass 2500; client a; word c1 connect one; pass 2500; answer 0 good; answer 0 good",
    "names-guarded": "client a; word c0 connect one; answer 0 private; answer 0 metadata",
    "names-mixed": "client a; word c0 connect one; answer 0 mixed; answer 0 mixed; arrive 0 refused; arrive 0 refused; arrive; word c0 tls one",
    "names-itself": "client b; word c0 connect one 3128; answer 0 itself; answer 0 itself; arrive",
    "names-left": "client a; word c0 connect one; fin c0; client a; word c1 connect one; answer 0 good; answer 0 good; arrive",
    "lookups-full": "client b; word c0 connect one; client b; word c1 connect two; client b; word c2 connect three; client b; word c3 connect never; pass 5000",
    "forgotten": READY + "client a; word c0 connect one; plan forget; client a; plan one-at-once 1; word c1 connect one",
    "cached": READY + "client a; word c0 connect one; client a; word c1 connect one; pass 60000; pass 1000; client a; word c2 connect one",
    "literals": "client b; word c0 connect literal 8443; arrive; client b; word c1 connect v6 80; arrive; bytes c0 hi; bytes s1 ho",
    "dial-many": "client a; word c0 connect one; answer 0 many; answer 0 many; pass 250; pass 250; pass 250; arrive 1 refused; arrive 0 silent; pass 10000",
    "dial-pool-full": "client b; word c0 connect one; answer 0 many; answer 0 many; client b; word c1 connect two; answer 0 many;"
    " answer 0 many; pass 1000; pass 2500; pass 10000",
    "dial-refused": "plan route refused; client a; word c0 connect one; answer 0 good; answer 0 good",
    "dial-no-route": "plan route no-route; client a; word c0 connect one; answer 0 good; answer 0 good",
    "dial-no-socket": "plan route no-socket; client a; word c0 connect one; answer 0 good; answer 0 good",
    "dial-no-watch": "client a; word c0 connect one; plan route no-watch; answer 0 good; answer 0 good; client a",
    "dial-interrupted": "plan route interrupt; client a; word c0 connect one; answer 0 good; answer 0 good; arrive; word c0 tls one",
    "gone-while-reaching": "client a; word c0 connect one; fin c0; client a; word c1 connect one; reset c1; client a; word c2 connect one; word c2 tls one; fin c2",
    # recording
    "sink-stalls": "sink stalls;" + TUNNEL + "pass 1000; sink takes; word s0 server-hello; fin c0; fin s0",
    "sink-stalls-long": "sink unseen;" + TUNNEL + "pass 2500; client a; word c1 connect one; sink takes 1; client a; word c2 connect one",
    "sink-fails": "sink fails;" + TUNNEL + "pass 250; client a; word c1 connect one; sink takes",
    "sink-busy": "sink busy;" + TUNNEL + "pass 50; sink takes 100",
    "sink-fails-goes-on": "policy 3; sink fails;" + TUNNEL + "bytes s0 hi; pass 1000; policy 0",
    "recording-cut": "sink stalls;" + TUNNEL + "policy 2; sink takes",
    "recording-client-reset": "sink stalls;" + TUNNEL + "reset c0; sink takes",
    # inside
    "tunnel": TUNNEL + "word s0 server-hello; flood c0 3; flood s0 3; fin c0; bytes s0 bye; fin s0",
    "hello-alone": READY + "client a; word c0 connect one; word c0 tls-begin one; word c0 tls-rest one; word s0 server-hello; fin s0; fin c0",
    "hello-other-name": READY + "client a; word c0 connect one; word c0 tls two; pass 5000",
    "hello-nameless": READY + "client a; word c0 connect one; word c0 tls-nameless",
    "hello-ech": READY + "client a; word c0 connect one; word c0 tls-ech one; policy 4",
    "hello-broken": READY + "client a; word c0 connect one; word c0 tls-broken one",
    "hello-never": READY + "client a; word c0 connect one; pass 10000; pass 10000",
    "hello-half": READY + "client a; word c0 connect one; word c0 tls-begin one; fin c0",
    "not-tls": READY + "client a; word c0 connect one; word c0 ssh",
    "retry": TUNNEL + "word s0 retry; word c0 tls-second one; word s0 server-hello; flood c0 2; fin s0; fin c0",
    "retry-other-name": TUNNEL + "word s0 retry-begin; word s0 retry-rest; word c0 tls-second two",
    "retry-ahead": TUNNEL + "word c0 tls-second two; word s0 warning; word s0 retry",
    "retry-never": TUNNEL + "word s0 retry; pass 10000",
    "retry-half-close": TUNNEL + "word s0 retry +; fin s0; fin c0",
    "server-ends-inside": TUNNEL + "fin s0; fin c0",
    "server-reset-inside": TUNNEL + "reset s0",
    "client-reset-inside": TUNNEL + "reset c0",
    "client-fin-inside": TUNNEL + "fin c0; pass 60000",
    "inside-stuck": READY + "client a; plan window none; word c0 connect one; word c0 tls one; word s0 server-hello; read s0 7; read s0; reset c0",
    "inside-no-room-for-200": READY + "plan window none; client a; word c0 connect one; word c0 tls two; read c0 7; read c0; pass 5000",
    "server-first": OPEN_TUNNEL + "word s0 ssh; word c0 ssh; fin s0; fin c0",
    "server-first-flood": OPEN_TUNNEL + "flood s0 255; word c0 tls-begin one; flood s0 255; word c0 tls-rest one; fin s0 ; fin c0",
    "open-other-name": READY + "client b; word c0 connect one; word c0 tls two; word s0 server-hello; client b; word c1 connect one; word c1 tls listed",
    "report": "policy 1;" + READY + "client a; word c0 connect two; word c0 ssh; flood s0 1; fin c0; fin s0",
    "names-off": "policy 3;" + READY + "client a; word c0 connect never; word c0 ssh; word s0 ssh; policy 0",
    # tunneling
    "backpressure": OPEN_TUNNEL + "word c0 ssh; flood s0 200; flood s0 255; read c0 100; flood c0 255; flood c0 255; flood c0 255; read s0; read s0; read c0; fin c0; fin s0",
    "refused-after-server-end": OPEN_TUNNEL + "fin s0; word c0 tls listed",
    "up-stuck-reset": "plan window 100;" + OPEN_TUNNEL + "word c0 ssh; flood c0 4; reset c0",
    "down-stuck-reset": "plan window 100;" + OPEN_TUNNEL + "word c0 ssh; flood s0 4; reset s0",
    "both-stuck-reset": "plan window 100;" + OPEN_TUNNEL + "word c0 ssh; flood c0 4; flood s0 4; reset c0",
    "both-stuck-server-reset": "plan window 100;" + OPEN_TUNNEL + "word c0 ssh; flood c0 4; flood s0 4; reset s0",
    "half-close": OPEN_TUNNEL + "word c0 ssh; fin c0; flood s0 2; pass 10000; bytes s0 x; pass 60000",
    "half-close-late": OPEN_TUNNEL + "word c0 ssh; pass 60000; fin c0; pass 60000; pass 60000",
    "half-close-server": OPEN_TUNNEL + "word c0 ssh; fin s0; flood c0 2; fin c0",
    "interrupted-tunnel": OPEN_TUNNEL + "word c0 ssh; quirk c0 interrupted 3; quirk s0 interrupted 3; flood c0 1 +; flood s0 1; fin c0; fin s0",
    "idle": OPEN_TUNNEL + "word c0 ssh; pass 3600000",
    "idle-not": OPEN_TUNNEL + "word c0 ssh; pass 60000; bytes s0 x; pass 3600000",
    "write-to-gone": OPEN_TUNNEL + "word c0 ssh; gone s0; bytes c0 a; bytes c0 b",
    "client-gone": OPEN_TUNNEL + "word c0 ssh; gone c0 +; flood s0 3",
    "data-with-end": OPEN_TUNNEL + "word c0 ssh; flood s0 3 +; fin s0 +; flood c0 3 +; reset c0",
    "tunnel-quirks": OPEN_TUNNEL + "word c0 ssh; plan newest 1; quirk c0 pieces 3; quirk s0 interrupted 9; flood c0 2 +; flood s0 2; quirk s0 woken; quirk c0 woken",
    "urgent": OPEN_TUNNEL + "bytes c0 ab +; urgent c0 +; bytes c0 cd; bytes s0 ab; urgent s0; bytes s0 cd +; fin s0; fin c0",
    "urgent-server": OPEN_TUNNEL + "word c0 ssh; bytes s0 ab +; urgent s0 +; bytes s0 cd; pass 60000; bytes s0 x; fin s0; fin c0",
    # tunneling in bulk
    "bulk": BULK + "flood s0 200; read c0; flood s0 3; bytes s0 x; pass 1000; flood s0 256; read c0; fin s0; fin c0",
    "bulk-back-pressure": BULK + "flood s0 256; flood s0 256; read c0 100; read c0 4096; fin s0; read c0; fin c0",
    "bulk-both": BULK + "flood c0 256; read s0; flood c0 256 +; flood s0 256; read s0; read c0; fin c0; fin s0",
    "bulk-three": BULK + "client b; word c1 connect one 8443; word c1 ssh; flood s1 256; read c1; flood s1 256; flood c0 256;"
    " read s0; flood c0 256; read s1; flood s1 256; flood s0 256; read c1; read c0; read s0; reset c1",
    "bulk-reset": BULK + "flood s0 256; reset c0",
    "bulk-reset-server": BULK + "flood s0 256; flood s0 256; reset s0; read c0",
    "bulk-gone": BULK + "flood s0 100; gone c0; read c0",
    "bulk-cut": BULK + "flood s0 256; policy 2",
    "bulk-over": BULK + "flood s0 256; over",
    "bulk-pieces": BULK + "quirk s0 pieces 50; quirk c0 pieces 3; flood s0 9; quirk s0 whole; quirk c0 whole; read c0; flood s0 256; fin s0",
    "bulk-urgent": BULK + "urgent s0; flood s0 99; read c0; flood s0 99 +; urgent s0 +; flood s0 99 +; fin s0; read c0",
    "bulk-small-pipes": "pipes small;" + BULK + "flood s0 256; read c0; pipes large; pass 250; flood s0 256; read c0",
    "bulk-no-pipes": "pipes none;" + BULK + "flood s0 256; read c0; fin s0",
    "bulk-no-fill": "pipes no-fill;" + BULK + "flood s0 256; read c0; fin s0",
    "bulk-no-drain": "pipes no-drain;" + BULK + "flood s0 256; read c0; flood s0 256; read c0; fin s0",
    "bulk-no-drain-later": BULK + "flood s0 256; pipes no-drain; read c0 100; read c0; flood s0 256; read c0; fin s0",
    "bulk-interrupted": "pipes interrupt;" + BULK + "flood s0 256; read c0; fin s0",
    "bulk-inside": OPEN_TUNNEL + "flood s0 256; read c0; flood s0 256; flood s0 256; word c0 tls one; flood s0 3; read c0; word s0 server-hello; fin s0; read c0; read c0; fin c0",
    # exchanging
    "get": GET + "word s0 ok; word c0 get one 80; word s0 ok-chunked; word s0 chunk; word s0 last-chunk; pass 60000; pass 10000; pass 10000",
    "get-close": READY + "client a; word c0 get-close one 80; word s0 ok; fin s0; fin c0",
    "get-10": READY + "client a; word c0 get10 one 80; word s0 ok-chunked; word s0 chunk; word s0 last-chunk; fin c0",
    "get-until-close": GET + "word s0 ok-close; flood s0 9; fin s0; word c0 get one 80; word s0 no-content",
    "pipelined": READY + "client a; word c0 get one 80 +; word c0 head one 80 +; word c0 get two 80 +; word c0 get one 80; word s0 ok; word s0 not-modified; word s1 ok",
    "get-no-body": GET + "word s0 not-modified; word c0 head one 80; word s0 ok-long; word c0 get one 80; word s0 no-content",
    "post": READY + "client a; word c0 post one 80; word c0 hello; word s0 ok; word c0 post-chunked one 80; word c0 chunk; word c0 last-chunk; word s0 ok",
    "post-pipelined": READY + "client a; word c0 post one 80 +; word c0 hello +; word c0 get two 80 +; word c0 hello; word s0 ok",
    "post-expect": READY + "client a; word c0 post-expect one 80; word s0 continue; word c0 hello; word s0 ok",
    "post-bad-chunk": READY + "client a; word c0 post-chunked one 80; word c0 chunk; word c0 bad-chunk; pass 5000",
    "post-answered-early": READY + "client a; word c0 put one 80; flood c0 9; word s0 ok; fin s0; flood c0 9; pass 5000",
    "upload-lost": READY + "client a; word c0 put one 80; flood c0 9; gone s0; flood c0 9; flood c0 9",
    "upload-client-ends": READY + "client a; word c0 put one 80; flood c0 9; fin c0",
    "two-responses": GET + "word s0 ok +; word s0 ok; word c0 get one 80; word s1 ok",
    "interim-flood": GET + " ".join(["word s0 continue;"] * 17),
    "bad-response": GET + "word s0 two-lengths",
    "switching": GET + "word s0 switching",
    "bad-response-chunk": GET + "word s0 ok-chunked; word s0 chunk; word s0 bad-chunk",
    "server-closes-early": GET + "word s0 ok-begin; fin s0",
    "server-closes-in-body": GET + "word s0 ok-long; flood s0 3; fin s0",
    "server-reset": GET + "word s0 ok-long; reset s0",
    "server-silent": GET + "pass 3600000",
    "server-silent-in-body": GET + "word s0 ok-long; pass 3600000",
    "download-stuck": "plan window 100;" + GET + "word s0 ok-long; flood s0 255; flood s0 255; read c0 4096; flood s0 255; reset c0",
    "download-client-fin": GET + "word s0 ok-long; fin c0; flood s0 1; pass 60000",
    "client-reset-waiting": GET + "reset c0",
    # change
    "reload-allows": TUNNEL + "word s0 server-hello; policy 4; flood c0 1; fin c0; fin s0",
    "reload-cuts-tunnel": TUNNEL + "word s0 server-hello; flood s0 1; policy 1; pass 5000",
    "reload-cuts-inside": READY + "client a; word c0 connect one; policy 2; pass 5000",
    "reload-cuts-exchange": GET + "policy 2; client a; word c1 get one 80",
    "reload-cuts-body": GET + "word s0 ok-long; policy 1",
    "reload-cuts-lookup": "client a; word c0 connect one; policy 1; answer 0 good; answer 0 good",
    "reload-cuts-dial": "client a; word c0 connect one; answer 0 good; answer 0 good; policy 1; pass 5000",
    "reload-keeps-lookup": "client a; word c0 connect one; answer 0 good; policy 4; answer 0 good; arrive; arrive; word c0 tls one",
    "reload-lists-address": "client a; word c0 connect one; answer 1 listed; pass 50; policy 4; answer 0 listed; arrive",
    "reload-between": "policy 3;" + READY + "client a; word c0 get one 80; word s0 ok; policy 2; word c0 get one 80; pass 5000",
    "reload-unix": READY + "client unix; word c0 connect one; word c0 tls one; policy 2; pass 5000; client unix",
    "drain": GET + "client a; client a; word c2 head-begin one 80; drain; word s0 ok; word c2 head-rest; client a; pass 10000",
    "drain-tunnel": TUNNEL + "drain; word s0 server-hello; fin c0; fin s0",
    "over": TUNNEL + "word s0 server-hello; client a; word c1 connect three; client a; word c2 head-begin; plan at-once 0; client b; word c3 connect two; over",
    "over-recording": "sink stalls;" + TUNNEL + "client a; word c1 get one 80; over",
    "over-refusing": "client a; word c0 connect two; over",
    "over-exchanging": GET + "word s0 ok-long; over",
}


def main(folder):
    for name, script in SEEDS.items():
        (pathlib.Path(folder) / name).write_bytes(assemble(script))


if __name__ == "__main__":
    main(sys.argv[1])
