/*
 * fetch.h - a file over https, by curl(1) in a process of its own.
 *
 * What curl is asked for is told word by word, without a shell; a URL is never taken for an
 * option.  Nothing but https is spoken, also after a redirection, and no file of the user's
 * changes that.  The environment does, as curl has it: https_proxy, SSL_CERT_FILE.
 */
#ifndef CLI_FETCH_H
#define CLI_FETCH_H

#include <stdint.h>

enum { FETCH_FIELD_MAX = 512, FETCH_FAULT_MAX = 512 };

/* What a server says to recognise a version by (RFC 9110 8.8); "": nothing. */
struct fetch_version {
	char etag[FETCH_FIELD_MAX];
	char modified[FETCH_FIELD_MAX];
};

struct fetch_request {
	const char *url;                     /* https://... */
	const char *cacert;                  /* a file of authorities; NULL: those of the system */
	const struct fetch_version *version; /* of what is here already; NULL: nothing is */
	uint64_t max_bytes;                  /* when unpacked, if the server packs it */
	uint64_t timeout;                    /* milliseconds for all of it */
	int fd;                              /* where its bytes are written */
	void (*on_bytes)(void *arg, uint64_t more); /* as they come */
	void *arg;
};

/* All zeros before. */
struct fetch_answer {
	struct fetch_version version; /* of FETCH_NEW */
	char fault[FETCH_FAULT_MAX];  /* of FETCH_FAILED: why, as text from elsewhere */
};

enum fetch_result {
	FETCH_NEW,       /* all of it has been written */
	FETCH_UNCHANGED, /* it has the version that was asked about */
	FETCH_FAILED,    /* some of it may have been written */
};

enum fetch_result fetch_run(const struct fetch_request *, struct fetch_answer *);

#endif
