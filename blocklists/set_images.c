/* set_images.c - see set_images.h. */
#include "blocklists/set_images.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "blocklists/image.h"
#include "blocklists/image_map.h"

struct set_image {
	struct image *image; /* owned */
	const char *file;    /* borrowed */
	uint32_t on, report; /* the categories it has, by their mode */
	int64_t expires;     /* 0: never */
	atomic_int state;    /* the one thing that changes once it is shared */
};

_Static_assert(SET_IMAGES_MOST <= IMAGE_MAPS_MOST / 4, "a reload maps its lists beside the old");

/* TOLD: somebody has taken it upon him to tell that it is damaged. */
enum { WHOLE, DAMAGED, TOLD };

void
set_images_done(struct set_images *images)
{
	for (size_t i = 0; i < images->count; i++)
		image_close(images->v[i].image);
	free(images->v);
}

bool
set_images_add(struct set_images *images, const char *file,
    const enum category_mode modes[CATEGORY_COUNT], struct report *report)
{
	struct set_image *fresh;
	struct image_info info;
	struct image *image;

	if (images->count == SET_IMAGES_MOST)
		return report_error(report, file, 0, 0,
		    "it is one compiled list too many, at most %d are used at a time: compile some "
		    "into one",
		    (int)SET_IMAGES_MOST);
	image = image_open(file, report);
	if (image == NULL)
		return false;
	image_info(image, &info);
	images->v = memory_grow(images->v, images->count, &images->room, sizeof(*images->v));
	fresh = &images->v[images->count++];
	*fresh = (struct set_image){ .image = image, .file = file, .expires = info.expires };
	for (size_t i = 0; i < info.source_count; i++) {
		enum category category = info.sources[i].category;

		if (modes[category] == CATEGORY_ON)
			fresh->on |= UINT32_C(1) << category;
		if (modes[category] == CATEGORY_REPORT)
			fresh->report |= UINT32_C(1) << category;
	}
	return true;
}

static enum image_answer
ask(const struct set_image *image, const struct set_question *q, uint32_t categories,
    struct image_hit *hit)
{
	if (categories == 0)
		return IMAGE_MISS;
	if (q->address != NULL)
		return image_find_address(image->image, q->address, categories, hit);
	return image_find_name(image->image, q->name, categories, hit);
}

/* found NULL: it is damaged. */
static void
tell(const struct set_image *image, const struct image_hit *found, struct set_hit *hit)
{
	hit->file = image->file;
	hit->line = 0;
	hit->damaged = found == NULL;
	if (found == NULL)
		return;
	hit->source = found->source->path;
	hit->category = found->source->category;
	hit->entry = found->name;
	hit->net[0] = '\0';
	if (found->kind == LIST_NET)
		prefix_format(&found->net, hit->net);
}

/* What an image's answer means for categories an entry of which means `listed`. */
static enum set_answer
meaning(enum image_answer said, enum set_answer listed)
{
	switch (said) {
	case IMAGE_MISS:
		break;
	case IMAGE_EXCEPTED:
		return SET_EXCEPTED;
	case IMAGE_LISTED:
		return listed;
	case IMAGE_DAMAGED:
		return listed == SET_LISTED ? SET_DAMAGED : listed;
	}
	return SET_MISS;
}

static void
consider(struct set_image *image, const struct set_question *q, uint32_t categories,
    enum set_answer listed, enum set_answer *answer, struct set_hit *hit)
{
	struct image_hit found;
	enum image_answer said = ask(image, q, categories, &found);
	enum set_answer means = meaning(said, listed);
	int whole = WHOLE;

	if (said == IMAGE_DAMAGED)
		atomic_compare_exchange_strong(&image->state, &whole, DAMAGED);
	if (means <= *answer)
		return;
	tell(image, said != IMAGE_DAMAGED ? &found : NULL, hit);
	*answer = means;
}

enum set_answer
set_images_find(const struct set_images *images, const struct set_question *q, struct set_hit *hit)
{
	enum set_answer answer = SET_MISS;

	for (size_t i = 0; i < images->count && answer < SET_LISTED; i++) {
		struct set_image *image = &images->v[i];

		consider(image, q, image->on, SET_LISTED, &answer, hit);
		consider(image, q, image->report, SET_REPORTED, &answer, hit);
	}
	return answer;
}

bool
set_images_verify(const struct set_images *images, struct report *report)
{
	bool good = true;

	for (size_t i = 0; i < images->count; i++)
		if (!image_verify(images->v[i].image))
			good = report_error(report, images->v[i].file, 0, 0,
			    "it is damaged: its bytes are not those that were compiled");
	return good;
}

void
set_images_warn_expired(
    const struct set_images *images, int64_t since, int64_t now, struct report *report)
{
	for (size_t i = 0; i < images->count; i++)
		if (images->v[i].expires > since && images->v[i].expires <= now)
			report_warning(report, images->v[i].file, 0, 0,
			    "the compiled list has expired; it goes on to block: compile it again "
			    "from fresh sources");
}

int64_t
set_images_next_expiry(const struct set_images *images, int64_t now)
{
	int64_t next = 0;

	for (size_t i = 0; i < images->count; i++) {
		int64_t expires = images->v[i].expires;

		if (expires > now && (next == 0 || expires < next))
			next = expires;
	}
	return next;
}

const char *
set_images_take_damaged(const struct set_images *images)
{
	for (size_t i = 0; i < images->count; i++) {
		int damaged = DAMAGED;

		if (atomic_compare_exchange_strong(&images->v[i].state, &damaged, TOLD))
			return images->v[i].file;
	}
	return NULL;
}
