/*
 * hello.h - the names inside a tunnel: what a TLS ClientHello says (RFC 8446
 * 4.1.2, RFC 6066 3, RFC 7301, RFC 9849), and whether the server answered with
 * a HelloRetryRequest (RFC 8446 4.1.4).
 *
 * Pure and stateless: the caller keeps the raw bytes and asks again once it has
 * as many as *need says, so a byte-at-a-time client costs a handful of calls.
 */
#ifndef SESSION_HELLO_H
#define SESSION_HELLO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"
#include "base/text.h"

enum { HELLO_MAX = 65536, HELLO_ALPN_MAX = 64 }; /* raw bytes with record headers; ALPN text */

enum hello_result {
	HELLO_OK,
	HELLO_MORE,      /* a prefix of a ClientHello so far */
	HELLO_NOT_TLS,   /* the first bytes begin nothing that a TLS server takes */
	HELLO_MALFORMED, /* began as TLS, and is no ClientHello, or has more before it */
	HELLO_TOO_LARGE, /* more than HELLO_MAX */
};

enum hello_sni {
	HELLO_SNI_NONE,
	HELLO_SNI_HOST,    /* hello.host is its canonical form */
	HELLO_SNI_INVALID, /* present, but not a host (see host_parse()) */
};

struct hello {
	enum hello_sni sni;
	struct host host;
	bool ech; /* encrypted_client_hello, GREASE or not */
	/*
	 * Offered protocols, "h2,http/1.1"; bytes outside [!-~] and ',' as '?', cut at
	 * the size; "" when absent.
	 */
	char alpn[HELLO_ALPN_MAX];
};

/*
 * Judge the bytes a client has sent so far, from the first record on.  Handshake
 * messages may be split over any number of records.  HELLO_OK: *hello is filled
 * and *need is the number of raw bytes its records span; anything after them is
 * left alone.  HELLO_MORE: no ClientHello is whole before raw.n reaches *need.
 *
 * A server may be lenient where the RFC is not: skip a warning alert or an empty
 * record, ignore a version.  Hence nothing that begins as a record of version 3.x
 * may pass for another protocol, and of another version below 16.0 only what no
 * server takes, as its first nine bytes at most say: all else is judged.
 */
enum hello_result hello_parse(struct text raw, struct hello *hello, size_t *need);

/*
 * The same for the client's answer to a HelloRetryRequest: change_cipher_spec
 * (RFC 8446 D.4) and early-data records (application data) may stand before it.
 * Never HELLO_NOT_TLS: whatever else comes there is HELLO_MALFORMED.
 */
enum hello_result hello_parse_second(struct text raw, struct hello *hello, size_t *need);

enum server_hello_result {
	SERVER_HELLO_MORE,
	SERVER_HELLO_RETRY, /* a HelloRetryRequest: the client will send a second ClientHello */
	SERVER_HELLO_OTHER, /* anything else, TLS or not */
};

/*
 * Judge the first bytes a server has sent; *need as above, for SERVER_HELLO_MORE only.
 * A few warning alerts and change_cipher_spec may stand before its first message:
 * clients ignore them, and a HelloRetryRequest behind them is one.
 */
enum server_hello_result server_hello_parse(struct text raw, size_t *need);

#endif
