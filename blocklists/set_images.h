/*
 * set_images.h - the compiled lists of one set: which of their categories count, and what
 * they say together.
 */
#ifndef BLOCKLISTS_SET_IMAGES_H
#define BLOCKLISTS_SET_IMAGES_H

#include "blocklists/set.h"
#include "blocklists/set_table.h"

struct set_image;

struct set_images {
	struct set_image *v; /* owned */
	size_t count, room;
};

void set_images_done(struct set_images *);

/* file is borrowed for as long as the images are. */
bool set_images_add(struct set_images *, const char *file,
    const enum category_mode modes[CATEGORY_COUNT], struct report *);

/* The strongest answer, of the first that gives it; *hit is written unless it is SET_MISS. */
enum set_answer set_images_find(
    const struct set_images *, const struct set_question *, struct set_hit *hit);

/* See set.h. */
bool set_images_verify(const struct set_images *, struct report *);
void set_images_warn_expired(
    const struct set_images *, int64_t since, int64_t now, struct report *);
int64_t set_images_next_expiry(const struct set_images *, int64_t now);
const char *set_images_take_damaged(const struct set_images *);

#endif
