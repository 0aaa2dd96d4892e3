/*
 * hello.h - the first flight of a real TLS client, and of a real server, made by OpenSSL once.
 * They are sent again and again: a handshake each would measure OpenSSL.
 */
#ifndef BENCH_HELLO_H
#define BENCH_HELLO_H

#include <stddef.h>

enum { HELLO_ROOM = 4096 };

struct hello {
	size_t n;
	char bytes[HELLO_ROOM];
};

/* A ClientHello that names a server.  (No const: OpenSSL's macro takes it away.) */
void hello_of_client(char *name, struct hello *);
/* ServerHello and what follows it until the client must speak. */
void hello_of_server(struct hello *);

#endif
