/* fake_words.h - what clients and servers of the session target say besides noise. */
#ifndef FUZZ_FAKE_WORDS_H
#define FUZZ_FAKE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { FAKE_WORD_MAX = 8192 };

/* The n-th word of a client or of a server, counted modulo all there are.  arg: host and port. */
struct text fake_client_word(unsigned n, uint8_t arg, char out[FAKE_WORD_MAX]);
struct text fake_server_word(unsigned n, uint8_t arg, char out[FAKE_WORD_MAX]);

#endif
