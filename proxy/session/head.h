/*
 * head.h - HTTP/1 message heads, read strictly (RFC 9112) and written anew.
 *
 * Nothing a peer sent is passed on as received: a head is parsed into views of
 * the caller's buffer and the forwarded head is built from the parts, with
 * hop-by-hop fields left out (RFC 9110 7.6.1) and the framing decided here.
 * Pure: bytes to values and values to bytes.
 */
#ifndef SESSION_HEAD_H
#define SESSION_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "base/text.h"

enum { HEAD_FIELDS_MAX = 100 };

struct field {
	struct text name;  /* as sent */
	struct text value; /* without surrounding white space */
};

struct fields {
	struct field v[HEAD_FIELDS_MAX];
	size_t n;
};

/* How the body of a message is delimited (RFC 9112 6.3). */
enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct head_limits {
	size_t bytes;  /* whole head, with its empty line */
	size_t fields; /* at most HEAD_FIELDS_MAX */
};

/*
 * X(id, HTTP status, reason word: bad_request or bad_target, what the client reads).
 * Every way in which a request head is refused.
 */
#define HEAD_REFUSALS(X)                                                                          \
	X(BAD_METHOD, 400, BAD_REQUEST, "the request line does not begin with a method")          \
	X(TLS, 400, BAD_REQUEST, "this is a plain HTTP proxy port, not a TLS one")                \
	X(SOCKS, 400, BAD_REQUEST, "this is an HTTP proxy, not a SOCKS one")                      \
	X(HTTP2, 400, BAD_REQUEST, "HTTP/2 is not spoken here; use HTTP/1.1")                     \
	X(VERSION, 400, BAD_REQUEST, "the request line does not end in HTTP/1.1 or HTTP/1.0")     \
	X(LINE, 400, BAD_REQUEST, "a line is not ended by CRLF, or has a control byte")           \
	X(FIELD, 400, BAD_REQUEST, "a header field is malformed")                                 \
	X(FOLD, 400, BAD_REQUEST, "header lines may not be folded")                               \
	X(TOO_LARGE, 431, BAD_REQUEST, "the request head is too large")                           \
	X(TOO_MANY, 431, BAD_REQUEST, "the request has too many header fields")                   \
	X(HOST_FIELD, 400, BAD_REQUEST, "HTTP/1.1 needs exactly one well-formed Host field")      \
	X(CONNECT_BODY, 400, BAD_REQUEST, "a CONNECT request has no body")                        \
	X(LENGTH, 400, BAD_REQUEST, "Content-Length is malformed or repeated")                    \
	X(CODING, 400, BAD_REQUEST, "Transfer-Encoding must be chunked alone, in HTTP/1.1")       \
	X(SMUGGLING, 400, BAD_REQUEST, "Content-Length and Transfer-Encoding exclude each other") \
	X(MAX_FORWARDS, 400, BAD_REQUEST,                                                         \
	    "Max-Forwards is 0: the request ends here, and this proxy does not "                  \
	    "answer it")                                                                          \
	X(EXPECT, 417, BAD_REQUEST, "the only expectation known here is 100-continue")            \
	X(ORIGIN_FORM, 400, BAD_TARGET,                                                           \
	    "this is a proxy: the target must be host:port or an "                                \
	    "absolute http:// URI")                                                               \
	X(HTTPS_URI, 400, BAD_TARGET, "use CONNECT for https:// targets")                         \
	X(SCHEME, 400, BAD_TARGET, "only http:// targets are forwarded")                          \
	X(PATH, 400, BAD_TARGET,                                                                  \
	    "the path of the target has a byte that is not "                                      \
	    "visible ASCII, or a fragment")                                                       \
	X(TARGET, 400, BAD_TARGET, "the target is not a host and port")

enum head_result {
	HEAD_OK,
	HEAD_MORE,
#define X(id, status, reason, message) HEAD_##id,
	HEAD_REFUSALS(X)
#undef X
};

int head_status(enum head_result);         /* 400, 417 or 431 */
bool head_is_bad_target(enum head_result); /* bad_target rather than bad_request */
const char *head_message(enum head_result);

struct request {
	struct text method; /* "CONNECT", "GET", ... as sent; methods are case-sensitive */
	bool connect;
	unsigned minor;   /* HTTP/1.minor: 0 or 1 */
	struct host host; /* of the target; Host is only checked, never used */
	uint16_t port;    /* http:// without a port: 80 */
	/*
	 * Absolute-form only: path and query as sent; "" means "/", or "*" for OPTIONS
	 * (RFC 9112 3.2.4).
	 */
	struct text path;
	struct fields fields;
	enum framing framing;          /* NONE, LENGTH or CHUNKED */
	uint64_t length;               /* of FRAMING_LENGTH */
	bool keep_alive;               /* what the client asked for, by version and Connection */
	bool expect_continue;          /* asked for in HTTP/1.1, with content to come */
	uint64_t max_forwards;         /* of TRACE and OPTIONS: 1 or more; 0: as many as it takes */
	struct text credentials;       /* value of Proxy-Authorization, or empty */
	enum host_result target_error; /* why, with HEAD_TARGET */
};

/*
 * Parse a request head at the start of bytes.  seen is how many of them earlier
 * calls that returned HEAD_MORE have looked at (0 at first): only new bytes are
 * scanned, and the first illegal byte is refused at once, whole head or not; a
 * line is judged when it is complete, what the fields say together at the end.
 * HEAD_OK: *used is the length of the head with its empty line, and the views in
 * *request point into bytes.  HEAD_TARGET writes request->target_error alone.
 */
enum head_result request_parse(struct text bytes, size_t seen, const struct head_limits *,
    struct request *request, size_t *used);

/*
 * The head to send upstream for an absolute-form request: origin-form target,
 * Host rebuilt from the canonical host, hop-by-hop fields, those named by
 * Connection, and all Proxy-* fields gone, framing as in request->framing
 * (a chunked body stays chunked), Max-Forwards counted down where it has a meaning,
 * Via added (RFC 9110 7.6.3), Connection: close.
 * Returns its length, or 0 when it does not fit into size bytes.
 */
size_t request_forward(const struct request *, char *out, size_t size);

struct response {
	unsigned minor;
	unsigned status; /* 100-599 */
	struct text phrase;
	struct fields fields;
	enum framing framing; /* as it follows from the request method and the status */
	bool has_length;      /* Content-Length was there, as in an answer to HEAD */
	uint64_t length;      /* its value */
};

enum response_result { RESPONSE_OK, RESPONSE_MORE, RESPONSE_BAD };

/*
 * Parse a response head; head_request: the request was a HEAD.  seen as above.
 * A head with CL and TE, more than one Content-Length, an unknown transfer
 * coding, folding, a bad version or status 101 is RESPONSE_BAD.
 */
enum response_result response_parse(struct text bytes, size_t seen, const struct head_limits *,
    bool head_request, struct response *response, size_t *used);

/*
 * The head to send to a client of any HTTP/1 version.  framing and length are what
 * the proxy will use towards it (FRAMING_CLOSE for an HTTP/1.0 client whose response
 * came chunked); keep_alive says whether the connection goes on, and the head says
 * so either way.  With FRAMING_NONE a Content-Length that came with the answer to
 * HEAD or with 304 stays.  Interim (1xx) responses carry no framing and no
 * Connection field.  Returns its length, or 0 when it does not fit.
 */
size_t response_forward(const struct response *, enum framing, uint64_t length, bool keep_alive,
    char *out, size_t size);

#endif
