/*
 * head_test.c - request heads: which are refused and as what, and that no split of
 * the bytes into reads changes it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/session/head.h"

static const struct head_limits limits = { .bytes = 32768, .fields = 100 };

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}
#define G "GET http://example.com/ HTTP/1.1\r\n"
#define G0 "GET http://example.com/ HTTP/1.0\r\n"
#define P "POST http://example.com/ HTTP/1.1\r\n"
#define C "CONNECT example.com:443 HTTP/1.1\r\n"
#define C0 "CONNECT example.com:443 HTTP/1.0\r\n"
#define H "Host: example.com\r\n"
#define M(method) method " http://example.com/ HTTP/1.1\r\n" H
#define E "\r\n"
#define A32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

/* clang-format off */
static const struct {
	struct text head;
	enum head_result want;
	const char *why;
} verdicts[] = {
	/* What begins with no method. */
	{ T("\x16\x03\x01\x02\x00"), HEAD_TLS, "a TLS record" },
	{ T("\x16"), HEAD_TLS, "its first byte is enough" },
	{ T("\x80\x2e\x01\x03\x01"), HEAD_TLS, "an SSLv2 ClientHello" },
	{ T("\x05\x01\x00"), HEAD_SOCKS, "SOCKS 5" },
	{ T("\x04\x01\x00\x50"), HEAD_SOCKS, "SOCKS 4" },
	{ T("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HEAD_HTTP2, "the HTTP/2 preface" },
	{ T("PRI * HTTP/2.0\r\n"), HEAD_HTTP2, "its first line is enough" },
	{ T("PRI * HTTP/1.1\r\n" H E),
	    HEAD_ORIGIN_FORM, "PRI is a method like any other in HTTP/1" },
	{ T("\r\n" G H E), HEAD_BAD_METHOD, "no empty line before the request" },
	{ T("\n" G H E), HEAD_BAD_METHOD, "nor half of one" },
	{ T(" " G H E), HEAD_BAD_METHOD, "nor a space" },
	{ T("\r\n\r\n\0\r\nQUIT\n"), HEAD_BAD_METHOD, "the PROXY protocol, version 2" },
	{ T("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), HEAD_VERSION, "and version 1" },
	{ T("SSH-2.0-OpenSSH_9.2\r\n"), HEAD_BAD_METHOD, "SSH" },
	{ T("EHLO example.com\r\n"), HEAD_VERSION, "SMTP" },
	{ T("*1\r\n$4\r\nPING\r\n"), HEAD_BAD_METHOD, "Redis" },
	{ T("\0"), HEAD_BAD_METHOD, "NUL" },
	{ T("\xef\xbb\xbf" G H E), HEAD_BAD_METHOD, "a byte order mark" },
	{ T("(GET http://example.com/ HTTP/1.1\r\n"), HEAD_BAD_METHOD, "a delimiter" },
	{ T("GE\0T http://example.com/ HTTP/1.1\r\n"), HEAD_BAD_METHOD, "NUL in the method" },
	{ T("G\xe9T http://example.com/ HTTP/1.1\r\n"), HEAD_BAD_METHOD, "Latin-1 in the method" },
	{ T("GET\thttp://example.com/ HTTP/1.1\r\n"), HEAD_BAD_METHOD, "a tab after the method" },
	{ T("GET\r\n"), HEAD_BAD_METHOD, "a method alone" },
	{ T(A32 "6 http://example.com/ HTTP/1.1\r\n"), HEAD_BAD_METHOD, "a method of 33 bytes" },
	{ T(A32 "6"), HEAD_BAD_METHOD, "known before its end" },
	{ T(A32 " http://example.com/ HTTP/1.1\r\n" H E), HEAD_OK, "a method of 32 bytes" },
	{ T("get http://example.com/ HTTP/1.1\r\n" H E),
	    HEAD_OK, "methods are case-sensitive, and opaque" },
	{ T("!#$%&'*+-.^_`|~09az http://example.com/ HTTP/1.1\r\n" H E),
	    HEAD_OK, "every kind of tchar" },
	{ T("connect example.com:443 HTTP/1.1\r\n" H E), HEAD_SCHEME, "connect is not CONNECT" },

	/* Version. */
	{ T("GET /\r\n"), HEAD_VERSION, "HTTP/0.9" },
	{ T("GET http://example.com/\r\n"), HEAD_VERSION, "HTTP/0.9 through a proxy" },
	{ T("GET http://example.com/ \r\n"), HEAD_VERSION, "an empty version" },
	{ T("GET http://example.com/ HTTP/1.2\r\n"), HEAD_VERSION, "1.2" },
	{ T("GET http://example.com/ HTTP/2.0\r\n"), HEAD_VERSION, "2.0" },
	{ T("GET http://example.com/ HTTP/1.10\r\n"), HEAD_VERSION, "1.10" },
	{ T("GET http://example.com/ HTTP/01.1\r\n"), HEAD_VERSION, "01.1" },
	{ T("GET http://example.com/ HTTP/1\r\n"), HEAD_VERSION, "1" },
	{ T("GET http://example.com/ http/1.1\r\n"), HEAD_VERSION, "lower case" },
	{ T("GET http://example.com/ HTTP/1.1 \r\n"), HEAD_VERSION, "a space after it" },
	{ T("GET http://example.com/ HTTP/1.1\t\r\n"), HEAD_VERSION, "a tab after it" },
	{ T("GET http://example.com/\tHTTP/1.1\r\n"), HEAD_VERSION, "a tab before it" },
	{ T("GET \r\n"), HEAD_VERSION, "nothing after the method" },
	{ T("GET http://example.com/ HTTP/1.1\0\r\n"), HEAD_LINE, "NUL after it" },
	{ T("GET http://example.com/ ICY/1.1\r\n"), HEAD_VERSION, "another protocol" },

	/* Lines. */
	{ T("GET http://example.com/ HTTP/1.1\n" H E),
	    HEAD_LINE, "a bare LF after the request line" },
	{ T("GET http://example.com/ HTTP/1.1\r" H E), HEAD_LINE, "a bare CR after it" },
	{ T("GET http://example.com/ HTTP/1.1\r\r\n" H E), HEAD_LINE, "two CR" },
	{ T(G "Host: example.com\n\r\n"), HEAD_LINE, "a bare LF after a field" },
	{ T(G H "\n"), HEAD_LINE, "a bare LF for the empty line" },
	{ T(G H "\rX"), HEAD_LINE, "a bare CR for the empty line" },
	{ T(G "A: b\rc\r\n" H E), HEAD_LINE, "CR in a value" },
	{ T(G "A: b\0c\r\n" H E), HEAD_LINE, "NUL in a value" },
	{ T(G "A: b\x7f\r\n" H E), HEAD_LINE, "DEL in a value" },
	{ T(G "A: b\x1b[0m\r\n" H E), HEAD_LINE, "ESC in a value" },
	{ T(G "A: b\x0b\r\n" H E), HEAD_LINE, "a vertical tab in a value" },
	{ T(G "A\0: b\r\n" H E), HEAD_LINE, "NUL in a name" },
	{ T(G H "Content-Length: 5\0\r\n\r\n"), HEAD_LINE, "NUL after a length" },

	/* Fields. */
	{ T(G "A: b\tc\r\n" H E), HEAD_OK, "a tab in a value" },
	{ T(G "A: caf\xe9 \xff\x80\r\n" H E), HEAD_OK, "obs-text in a value is opaque" },
	{ T(G "A:\r\n" H E), HEAD_OK, "an empty value" },
	{ T(G "A:b\r\n" H E), HEAD_OK, "no space after the colon" },
	{ T(G "A: \t b \t \r\n" H E), HEAD_OK, "white space round a value" },
	{ T(G "A: :\r\n" H E), HEAD_OK, "a colon in a value" },
	{ T(G "A b\r\n" H E), HEAD_FIELD, "no colon" },
	{ T(G "A : b\r\n" H E), HEAD_FIELD, "a space before the colon" },
	{ T(G "A\t: b\r\n" H E), HEAD_FIELD, "a tab before the colon" },
	{ T(G ": b\r\n" H E), HEAD_FIELD, "an empty name" },
	{ T(G "A(: b\r\n" H E), HEAD_FIELD, "a delimiter in a name" },
	{ T(G "A\x85: b\r\n" H E), HEAD_FIELD, "a high byte in a name" },
	{ T(G "caf\xe9: b\r\n" H E), HEAD_FIELD, "Latin-1 in a name" },
	{ T(G "\"A\": b\r\n" H E), HEAD_FIELD, "a quoted name" },
	{ T(G H "A: b\r\n c\r\n\r\n"), HEAD_FOLD, "a folded line" },
	{ T(G H "A: b\r\n\tc\r\n\r\n"), HEAD_FOLD, "folded by a tab" },
	{ T(G " A: b\r\n" H E), HEAD_FOLD, "before the first field" },
	{ T(G H "A: b\r\n \r\n\r\n"), HEAD_FOLD, "a line of white space" },
	{ T(G H "Connection: a b\r\n\r\n"), HEAD_FIELD, "an option that is no token" },
	{ T(G H "Connection: close;x\r\n\r\n"), HEAD_FIELD, "an option with a parameter" },
	{ T(G H "Connection: \"close\"\r\n\r\n"), HEAD_FIELD, "a quoted option" },
	{ T(G H "Connection: , close, ,\r\n\r\n"), HEAD_OK, "empty elements are ignored" },
	{ T(G H "Connection:\r\n\r\n"), HEAD_OK, "a list of none" },
	{ T(C H "Proxy-Authorization: Basic YQ==\r\nProxy-Authorization: Basic Yg==\r\n\r\n"),
	    HEAD_FIELD, "two credentials" },

	/* Host. */
	{ T(G E), HEAD_HOST_FIELD, "HTTP/1.1 has one" },
	{ T(G0 E), HEAD_OK, "HTTP/1.0 may have none" },
	{ T(G0 H E), HEAD_OK, "or one" },
	{ T(G0 H H E), HEAD_HOST_FIELD, "but not two" },
	{ T(G H H E), HEAD_HOST_FIELD, "two, though equal" },
	{ T(G H "hOST: example.net\r\n\r\n"), HEAD_HOST_FIELD, "two, in another case" },
	{ T(G "Host:\r\n\r\n"), HEAD_HOST_FIELD, "an empty one" },
	{ T(G "Host: example.net\r\n\r\n"), HEAD_OK, "another host: its value is not used" },
	{ T(G "Host: example.com:8080\r\n\r\n"), HEAD_OK, "with a port" },
	{ T(G "Host: example.com:\r\n\r\n"), HEAD_HOST_FIELD, "an empty port" },
	{ T(G "Host: [2001:db8::1]\r\n\r\n"), HEAD_OK, "an IPv6 address" },
	{ T(G "Host: 2001:db8::1\r\n\r\n"), HEAD_HOST_FIELD, "without its brackets" },
	{ T(G "Host: a@example.com\r\n\r\n"), HEAD_HOST_FIELD, "userinfo" },
	{ T(G "Host: example.com/\r\n\r\n"), HEAD_HOST_FIELD, "a path" },
	{ T(G "Host: example.com, example.net\r\n\r\n"), HEAD_HOST_FIELD, "a list" },
	{ T(G "Host : example.com\r\n\r\n"),
	    HEAD_FIELD, "a space before the colon hides it from some" },
	{ T(C E), HEAD_HOST_FIELD, "CONNECT has one, too" },
	{ T(C0 E), HEAD_OK, "Python and openssl send CONNECT as 1.0 without" },

	/* Framing. */
	{ T(P H "Content-Length: 5\r\n\r\n"), HEAD_OK, "a length" },
	{ T(P H "Content-Length: 9223372036854775807\r\n\r\n"), HEAD_OK, "2^63-1" },
	{ T(P H "Content-Length: 9223372036854775808\r\n\r\n"), HEAD_LENGTH, "2^63" },
	{ T(P H "Content-Length: 18446744073709551621\r\n\r\n"), HEAD_LENGTH, "2^64+5" },
	{ T(P H "Content-Length: +5\r\n\r\n"), HEAD_LENGTH, "a plus sign" },
	{ T(P H "Content-Length: -5\r\n\r\n"), HEAD_LENGTH, "a minus sign" },
	{ T(P H "Content-Length: 0x5\r\n\r\n"), HEAD_LENGTH, "hexadecimal" },
	{ T(P H "Content-Length: 5Z\r\n\r\n"), HEAD_LENGTH, "a letter after it" },
	{ T(P H "Content-Length: 1_0\r\n\r\n"), HEAD_LENGTH, "an underscore" },
	{ T(P H "Content-Length: 1 0\r\n\r\n"), HEAD_LENGTH, "a space inside" },
	{ T(P H "Content-Length: 05\r\n\r\n"), HEAD_LENGTH, "a leading zero" },
	{ T(P H "Content-Length:\r\n\r\n"), HEAD_LENGTH, "empty" },
	{ T(P H "Content-Length: 5, 5\r\n\r\n"), HEAD_LENGTH, "a list" },
	{ T(P H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), HEAD_LENGTH, "two equal ones" },
	{ T(P H "Content-Length: 5\r\ncontent-length: 6\r\n\r\n"), HEAD_LENGTH, "two that differ" },
	{ T(P H "Content-Length0: 5\r\nContent-Length: 6\r\n\r\n"),
	    HEAD_OK, "a longer name is another field" },
	{ T(P H "Transfer-Encoding: chunked\r\n\r\n"), HEAD_OK, "chunked" },
	{ T(P H "Transfer-Encoding: CHUNKED\r\n\r\n"), HEAD_OK, "in upper case" },
	{ T(P H "Transfer-Encoding: \tchunked \r\n\r\n"), HEAD_OK, "white space round it" },
	{ T(P H "Transfer-Encoding: chunked, chunked\r\n\r\n"), HEAD_CODING, "twice" },
	{ T(P H "Transfer-Encoding: gzip, chunked\r\n\r\n"), HEAD_CODING, "after another coding" },
	{ T(P H "Transfer-Encoding: chunked, identity\r\n\r\n"),
	    HEAD_CODING, "before another coding" },
	{ T(P H "Transfer-Encoding: identity\r\n\r\n"), HEAD_CODING, "identity" },
	{ T(P H "Transfer-Encoding: xchunked\r\n\r\n"), HEAD_CODING, "a longer word" },
	{ T(P H "Transfer-Encoding: chunked;q=1\r\n\r\n"), HEAD_CODING, "a parameter" },
	{ T(P H "Transfer-Encoding: \"chunked\"\r\n\r\n"), HEAD_CODING, "quotes" },
	{ T(P H "Transfer-Encoding: chunked,\r\n\r\n"), HEAD_CODING, "an empty element" },
	{ T(P H "Transfer-Encoding:\r\n\r\n"), HEAD_CODING, "empty" },
	{ T(P H "Transfer-Encoding: \x0b" "chunked\r\n\r\n"),
	    HEAD_LINE, "a vertical tab before it" },
	{ T(P H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    HEAD_CODING, "two fields" },
	{ T(P H "Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n"),
	    HEAD_CODING, "two fields that differ" },
	{ T("POST http://example.com/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    HEAD_CODING, "HTTP/1.0 has none" },
	{ T(P H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
	    HEAD_SMUGGLING, "TE and CL" },
	{ T(P H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    HEAD_SMUGGLING, "CL and TE" },
	{ T(P H "Content-Length: x\r\nTransfer-Encoding: y\r\n\r\n"),
	    HEAD_SMUGGLING, "even if both are malformed" },
	{ T(P H "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n"),
	    HEAD_FIELD, "TE behind a space" },
	{ T(P H "X: y\r\n Transfer-Encoding: chunked\r\n\r\n"), HEAD_FOLD, "TE behind a fold" },
	{ T(P H "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
	    HEAD_OK, "another name is another field" },

	/* CONNECT. */
	{ T(C H E), HEAD_OK, "CONNECT" },
	{ T(C H "Content-Length: 0\r\n\r\n"), HEAD_OK, "says it has no body" },
	{ T(C H "Content-Length: 1\r\n\r\n"), HEAD_CONNECT_BODY, "says it has one" },
	{ T(C H "Content-Length: x\r\n\r\n"), HEAD_LENGTH, "says something else" },
	{ T(C H "Transfer-Encoding: chunked\r\n\r\n"), HEAD_CONNECT_BODY, "a chunked one" },
	{ T(C H "Transfer-Encoding: x\r\n\r\n"), HEAD_CONNECT_BODY, "an unknown one" },
	{ T(C H "Content-Length: 0\r\nTransfer-Encoding: x\r\n\r\n"), HEAD_CONNECT_BODY, "both" },
	{ T("CONNECT example.com HTTP/1.1\r\n" H E), HEAD_TARGET, "a port must be there" },
	{ T("CONNECT example.com: HTTP/1.1\r\n" H E), HEAD_TARGET, "an empty port" },
	{ T("CONNECT example.com:0 HTTP/1.1\r\n" H E), HEAD_TARGET, "port 0" },
	{ T("CONNECT example.com:65536 HTTP/1.1\r\n" H E), HEAD_TARGET, "port 65536" },
	{ T("CONNECT example.com:+443 HTTP/1.1\r\n" H E), HEAD_TARGET, "a sign" },
	{ T("CONNECT :443 HTTP/1.1\r\n" H E), HEAD_TARGET, "no host" },
	{ T("CONNECT a@example.com:443 HTTP/1.1\r\n" H E), HEAD_TARGET, "userinfo" },
	{ T("CONNECT example.com:443/ HTTP/1.1\r\n" H E), HEAD_TARGET, "a path" },
	{ T("CONNECT http://example.com:443 HTTP/1.1\r\n" H E), HEAD_TARGET, "a URI" },
	{ T("CONNECT 127.1:443 HTTP/1.1\r\n" H E), HEAD_TARGET, "a short form of an address" },
	{ T("CONNECT ex%61mple.com:443 HTTP/1.1\r\n" H E), HEAD_TARGET, "percent-encoding" },
	{ T("CONNECT ex\xc3\xa4mple.com:443 HTTP/1.1\r\n" H E), HEAD_TARGET, "UTF-8" },
	{ T("CONNECT a b:443 HTTP/1.1\r\n" H E), HEAD_TARGET, "a space" },
	{ T("CONNECT evil.example.net\0.example.com:443 HTTP/1.1\r\n" H E), HEAD_LINE, "NUL" },
	{ T("CONNECT / HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "origin-form" },
	{ T("CONNECT * HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "asterisk-form" },
	{ T("CONNECT  HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "no target" },

	/* Absolute targets. */
	{ T("GET / HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "origin-form" },
	{ T("GET //example.com/ HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "without its scheme" },
	{ T("OPTIONS * HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "asterisk-form" },
	{ T("GET  HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "no target" },
	{ T("GET example HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "a word" },
	{ T("GET  http://example.com/ HTTP/1.1\r\n" H E), HEAD_ORIGIN_FORM, "two spaces" },
	{ T("GET https://example.com/ HTTP/1.1\r\n" H E), HEAD_HTTPS_URI, "https" },
	{ T("GET HTTPS://example.com/ HTTP/1.1\r\n" H E), HEAD_HTTPS_URI, "in upper case" },
	{ T("GET ftp://example.com/ HTTP/1.1\r\n" H E), HEAD_SCHEME, "ftp" },
	{ T("GET gopher://example.com/ HTTP/1.1\r\n" H E), HEAD_SCHEME, "gopher" },
	{ T("GET file:///etc/passwd HTTP/1.1\r\n" H E), HEAD_SCHEME, "file" },
	{ T("GET ws://example.com/ HTTP/1.1\r\n" H E), HEAD_SCHEME, "ws" },
	{ T("GET http:/example.com/ HTTP/1.1\r\n" H E), HEAD_SCHEME, "one slash" },
	{ T("GET http:example.com HTTP/1.1\r\n" H E), HEAD_SCHEME, "no slash" },
	{ T("GET example.com:80 HTTP/1.1\r\n" H E), HEAD_SCHEME, "authority-form" },
	{ T("GET http:///path HTTP/1.1\r\n" H E), HEAD_TARGET, "no host" },
	{ T("GET http:// HTTP/1.1\r\n" H E), HEAD_TARGET, "nothing after the scheme" },
	{ T("GET http://user@example.com/ HTTP/1.1\r\n" H E), HEAD_TARGET, "userinfo" },
	{ T("GET http://example.com:80@example.net/ HTTP/1.1\r\n" H E),
	    HEAD_TARGET, "userinfo like a host" },
	{ T("GET http://example.com\\@example.net/ HTTP/1.1\r\n" H E), HEAD_TARGET, "a backslash" },
	{ T("GET http://example.com:/ HTTP/1.1\r\n" H E), HEAD_TARGET, "an empty port" },
	{ T("GET http://example.com:080/ HTTP/1.1\r\n" H E), HEAD_TARGET, "a leading zero" },
	{ T("GET http://0177.0.0.1/ HTTP/1.1\r\n" H E), HEAD_TARGET, "octal" },
	{ T("GET http://ex\xc3\xa4mple.com/ HTTP/1.1\r\n" H E), HEAD_TARGET, "UTF-8 in the host" },
	{ T("GET http://example.com/# HTTP/1.1\r\n" H E), HEAD_PATH, "a fragment" },
	{ T("GET http://example.com#.example.net/ HTTP/1.1\r\n" H E), HEAD_PATH, "after a host" },
	{ T("GET http://example.com/caf\xc3\xa9 HTTP/1.1\r\n" H E),
	    HEAD_PATH, "UTF-8 in the path" },
	{ T("GET http://example.com/a b HTTP/1.1\r\n" H E), HEAD_PATH, "a space in the path" },
	{ T("GET http://example.com/a\tb HTTP/1.1\r\n" H E), HEAD_PATH, "a tab in the path" },
	{ T("GET http://example.com/?caf\xc3\xa9 HTTP/1.1\r\n" H E), HEAD_PATH, "UTF-8 in the query" },
	{ T("GET http://example.com/?a#b HTTP/1.1\r\n" H E), HEAD_PATH, "after a query" },
	{ T("GET http://127.1/# HTTP/1.1\r\n" H E), HEAD_TARGET, "a bad host is said first" },
	{ T("GET http:///# HTTP/1.1\r\n" H E), HEAD_TARGET, "no host at all, too" },
	{ T("GET http://?a HTTP/1.1\r\n" H E), HEAD_TARGET, "no host before a query" },
	{ T("GET http://:80/ HTTP/1.1\r\n" H E), HEAD_TARGET, "no host before a port" },
	{ T("GET http://example.com/a\x7f HTTP/1.1\r\n" H E), HEAD_LINE, "DEL in the path" },
	{ T("GET http://example.com/?q={}|\\^`\"<>~! HTTP/1.1\r\n" H E),
	    HEAD_OK, "visible ASCII is opaque" },

	/* Expect. */
	{ T(P H "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
	    HEAD_OK, "the one expectation" },
	{ T(P H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"), HEAD_OK, "in any case" },
	{ T(P H "Expect: 100-continues\r\n\r\n"), HEAD_EXPECT, "another" },
	{ T(P H "Expect: y 100-continue\r\n\r\n"), HEAD_EXPECT, "obfuscated" },
	{ T(P H "Expect:\r\n\r\n"), HEAD_EXPECT, "empty" },
	{ T(P H "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"), HEAD_EXPECT, "twice" },
	{ T(G0 "Expect: 100-continue\r\n\r\n"), HEAD_OK, "ignored in HTTP/1.0" },
	{ T(G0 "Expect: 200-ok\r\n\r\n"), HEAD_OK, "whatever it expects" },
	{ T(G0 "Expect: a\r\nExpect: b\r\n\r\n"), HEAD_OK, "and however often" },
	{ T(C0 "Expect: x\r\n\r\n"), HEAD_OK, "in a CONNECT, too" },

	/* Max-Forwards. */
	{ T(M("TRACE") "Max-Forwards: 0\r\n\r\n"), HEAD_MAX_FORWARDS, "the last hop" },
	{ T(M("OPTIONS") "Max-Forwards: 0\r\n\r\n"), HEAD_MAX_FORWARDS, "of OPTIONS, too" },
	{ T("OPTIONS http://example.com HTTP/1.0\r\nmax-forwards: 0\r\n\r\n"),
	    HEAD_MAX_FORWARDS, "in any version and case" },
	{ T(M("TRACE") "Connection: max-forwards\r\nMax-Forwards: 0\r\n\r\n"),
	    HEAD_MAX_FORWARDS, "Connection does not hide it" },
	{ T(M("TRACE") "Max-Forwards: 1\r\n\r\n"), HEAD_OK, "one hop more" },
	{ T(M("TRACE") "Max-Forwards: 9223372036854775807\r\n\r\n"), HEAD_OK, "2^63-1" },
	{ T(M("TRACE") "Max-Forwards: 9223372036854775808\r\n\r\n"), HEAD_FIELD, "2^63" },
	{ T(M("TRACE") "Max-Forwards: -1\r\n\r\n"), HEAD_FIELD, "a sign" },
	{ T(M("TRACE") "Max-Forwards: 00\r\n\r\n"), HEAD_FIELD, "a leading zero" },
	{ T(M("TRACE") "Max-Forwards: 1, 0\r\n\r\n"), HEAD_FIELD, "a list" },
	{ T(M("TRACE") "Max-Forwards:\r\n\r\n"), HEAD_FIELD, "empty" },
	{ T(M("OPTIONS") "Max-Forwards: x\r\n\r\n"), HEAD_FIELD, "no number" },
	{ T(M("TRACE") "Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n"), HEAD_FIELD, "twice" },
	{ T(M("GET") "Max-Forwards: 0\r\nMax-Forwards: x\r\n\r\n"), HEAD_OK, "GET has no use for it" },
	{ T(M("trace") "Max-Forwards: 0\r\n\r\n"), HEAD_OK, "and trace is another" },
	{ T(C H "Max-Forwards: 0\r\n\r\n"), HEAD_OK, "as CONNECT is" },

	/* Not complete. */
	{ T(""), HEAD_MORE, "nothing yet" },
	{ T("G"), HEAD_MORE, "a byte" },
	{ T(A32), HEAD_MORE, "a method of 32 bytes may end here" },
	{ T(G H), HEAD_MORE, "the empty line is missing" },
	{ T(G H "\r"), HEAD_MORE, "half of it is there" },
	{ T(G H E "\x16\x03\x01"), HEAD_OK, "what follows the head is not looked at" },
};
/* clang-format on */

static enum head_result
parse(struct text head, size_t seen, struct request *r, size_t *used)
{
	/* On the heap, so that a sanitizer sees a read beyond the end. */
	char *copy = malloc(head.n > 0 ? head.n : 1);
	enum head_result result;

	assert_non_null(copy);
	if (head.n > 0)
		memcpy(copy, head.p, head.n);
	result = request_parse((struct text){ copy, head.n }, seen, &limits, r, used);
	free(copy);
	return result;
}

static void
verdicts_of_whole_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct request r = { .minor = 99 };
		size_t used = 99999;
		enum head_result got = parse(verdicts[i].head, 0, &r, &used);

		if (got != verdicts[i].want)
			fail_msg("row %zu, %s: got \"%s\"", i, verdicts[i].why, head_message(got));
		if (got == HEAD_TARGET && r.target_error == HOST_OK)
			fail_msg("row %zu, %s: does not say why", i, verdicts[i].why);
		if (got != HEAD_OK && (r.minor != 99 || used != 99999))
			fail_msg("row %zu, %s: written though refused", i, verdicts[i].why);
	}
}

/* In two parts, and byte by byte: a prefix may ask for more, or say what the whole says. */
static void
no_split_changes_a_verdict(void **state)
{
	struct request r;
	size_t used;

	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct text head = verdicts[i].head;
		enum head_result bytewise = HEAD_MORE;

		for (size_t n = 0; n <= head.n; n++) {
			struct text part = { head.p, n };
			enum head_result early = parse(part, 0, &r, &used), late;

			late = early == HEAD_MORE ? parse(head, n, &r, &used) : early;
			if (late != verdicts[i].want)
				fail_msg("row %zu, split at %zu: %s", i, n, verdicts[i].why);
			if (bytewise == HEAD_MORE && n > 0)
				bytewise = parse(part, n - 1, &r, &used);
		}
		if (bytewise != verdicts[i].want)
			fail_msg("row %zu, byte by byte: %s", i, verdicts[i].why);
	}
}

/* A hopeless head is refused at its first hopeless byte, or at the end of its line. */
static void
refusals_do_not_wait(void **state)
{
	static const struct {
		struct text prefix;
		enum head_result want;
	} rows[] = {
		{ T("SSH-2.0-x\r"), HEAD_BAD_METHOD },
		{ T("GET http://example.com/\x01"), HEAD_LINE },
		{ T("GET http://example.com/ HTTP/1.1\n"), HEAD_LINE },
		{ T("GET / HTTP/1.1\r\n"), HEAD_ORIGIN_FORM },
		{ T("CONNECT example.com HTTP/1.1\r\n"), HEAD_TARGET },
		{ T(G "A : b\r\n"), HEAD_FIELD },
		{ T(G "A: b\r\n "), HEAD_FOLD },
	};
	struct request r;
	size_t used;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text before = { rows[i].prefix.p, rows[i].prefix.n - 1 };

		if (parse(before, 0, &r, &used) != HEAD_MORE ||
		    parse(rows[i].prefix, before.n, &r, &used) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

/* A caller that says it has seen what it has not gains nothing. */
static void
seen_is_not_trusted(void **state)
{
	struct request r;
	size_t used;

	(void)state;
	assert_int_equal(parse(text("\r\n" H E), 21, &r, &used), HEAD_BAD_METHOD);
	assert_int_equal(
	    parse(text(A32 "9 http://a/ HTTP/1.0\r\n\r\n"), 50, &r, &used), HEAD_BAD_METHOD);
	assert_int_equal(parse(text(G0 "A b\r\n\r\n"), 40, &r, &used), HEAD_FIELD);
	assert_int_equal(parse(text(G0 E), 1000, &r, &used), HEAD_MORE);
}

static void
refusals_have_a_status_and_a_text(void **state)
{
	(void)state;
	assert_int_equal(head_status(HEAD_LENGTH), 400);
	assert_int_equal(head_status(HEAD_TOO_LARGE), 431);
	assert_int_equal(head_status(HEAD_TOO_MANY), 431);
	assert_int_equal(head_status(HEAD_EXPECT), 417);
	assert_true(head_is_bad_target(HEAD_TARGET));
	assert_true(head_is_bad_target(HEAD_ORIGIN_FORM));
	assert_int_equal(head_status(HEAD_MAX_FORWARDS), 400);
	assert_false(head_is_bad_target(HEAD_HOST_FIELD));
	assert_false(head_is_bad_target(HEAD_MAX_FORWARDS));
	assert_true(head_is_bad_target(HEAD_PATH));
	for (enum head_result i = HEAD_OK; i <= HEAD_TARGET; i++)
		for (enum head_result j = HEAD_OK; j < i; j++)
			assert_string_not_equal(head_message(i), head_message(j));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_of_whole_heads),
		cmocka_unit_test(no_split_changes_a_verdict),
		cmocka_unit_test(refusals_do_not_wait),
		cmocka_unit_test(seen_is_not_trusted),
		cmocka_unit_test(refusals_have_a_status_and_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
