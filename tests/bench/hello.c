/*
 * hello.c - two ends of TLS that speak through memory.
 */
#include "tests/bench/hello.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/bench/load.h"

enum { VALID_SECONDS = 86400 };

static void
need(bool done)
{
	errno = 0;
	if (!done)
		give_up("OpenSSL cannot make a handshake");
}

static SSL *
new_end(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *tls;

	need(context != NULL && in != NULL && out != NULL);
	tls = SSL_new(context);
	need(tls != NULL);
	SSL_CTX_free(context);
	SSL_set_bio(tls, in, out);
	return tls;
}

/* Its certificate lives as long as this program does, and proves nothing. */
static void
certify(SSL *tls)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		 (const unsigned char *)"bench.example.net", -1, -1, 0) == 1 &&
	     X509_set_issuer_name(certificate, name) == 1);
	need(X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != NULL &&
	     X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) != NULL);
	need(X509_set_pubkey(certificate, key) == 1 &&
	     X509_sign(certificate, key, EVP_sha256()) != 0);
	need(SSL_use_certificate(tls, certificate) == 1 && SSL_use_PrivateKey(tls, key) == 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

/* What an end has to say before it must hear something. */
static void
speak(SSL *tls, struct hello *said)
{
	int n;

	need(SSL_do_handshake(tls) != 1);
	n = BIO_read(SSL_get_wbio(tls), said->bytes, sizeof(said->bytes));
	need(n > 0 && n < (int)sizeof(said->bytes));
	said->n = (size_t)n;
}

void
hello_of_client(char *name, struct hello *said)
{
	SSL *client = new_end(TLS_client_method());

	need(SSL_set_tlsext_host_name(client, name) == 1);
	SSL_set_connect_state(client);
	speak(client, said);
	SSL_free(client);
}

void
hello_of_server(struct hello *said)
{
	SSL *server = new_end(TLS_server_method());
	struct hello client;
	char name[] = "bench.example.net";

	certify(server);
	hello_of_client(name, &client);
	need(BIO_write(SSL_get_rbio(server), client.bytes, (int)client.n) == (int)client.n);
	SSL_set_accept_state(server);
	speak(server, said);
	SSL_free(server);
}
