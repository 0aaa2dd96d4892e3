/*
 * wheel.c - an item stands in the level of the highest group of six bits in which its time differs
 * from now, in the slot of that group.
 *
 * So all that is in a level is due before all that is in the levels above, and in the slots behind the
 * one of now.  When now enters a slot, what is there has one group less to differ in, and
 * moves down: each item at most once a level.
 */
#include "proxy/loop/wheel.h"

#include <string.h>

void
wheel_init(struct wheel *wheel, uint64_t now)
{
	memset(wheel, 0, sizeof(*wheel)); /* an empty list is all zero */
	wheel->now = now;
}

/* The group of bits of a level, with all above it. */
static uint64_t
position(uint64_t time, unsigned level)
{
	return time >> (WHEEL_BITS * level);
}

static unsigned
slot_of(uint64_t time, unsigned level)
{
	return position(time, level) % WHEEL_SLOTS;
}

static unsigned
level_of(const struct wheel *wheel, uint64_t time)
{
	return (63 - (unsigned)__builtin_clzll(wheel->now ^ time)) / WHEEL_BITS;
}

static void
enter(struct wheel *wheel, struct wheel_item *item)
{
	unsigned level, slot;

	if (item->due <= wheel->now) {
		LIST_INSERT_HEAD(&wheel->at_once, item, link);
		return;
	}
	level = level_of(wheel, item->due);
	slot = slot_of(item->due, level);
	LIST_INSERT_HEAD(&wheel->slots[level][slot], item, link);
	wheel->occupied[level] |= (uint64_t)1 << slot;
}

void
wheel_put(struct wheel *wheel, struct wheel_item *item, uint64_t due)
{
	wheel_remove(wheel, item);
	item->due = due < WHEEL_END ? due : WHEEL_END;
	wheel->count++;
	enter(wheel, item);
}

void
wheel_remove(struct wheel *wheel, struct wheel_item *item)
{
	if (!wheel_has(item))
		return;
	LIST_REMOVE(item, link);
	item->link.le_prev = NULL;
	wheel->count--;
}

/* The slots of a level that now leaves behind or enters on its way to another time. */
static uint64_t
passed(const struct wheel *wheel, unsigned level, uint64_t to)
{
	unsigned from_slot = slot_of(wheel->now, level), to_slot = slot_of(to, level);

	if (position(wheel->now, level + 1) != position(to, level + 1))
		return UINT64_MAX;
	/* Bits above from_slot up to to_slot. */
	return (UINT64_MAX >> (63 - to_slot)) & ~(UINT64_MAX >> (63 - from_slot));
}

static void
move_all(struct wheel_list *from, struct wheel_list *to)
{
	struct wheel_item *item;

	while ((item = LIST_FIRST(from)) != NULL) {
		LIST_REMOVE(item, link);
		LIST_INSERT_HEAD(to, item, link);
	}
}

static void
empty_slots(struct wheel *wheel, unsigned level, uint64_t slots, struct wheel_list *into)
{
	slots &= wheel->occupied[level];
	wheel->occupied[level] &= ~slots;
	for (; slots != 0; slots &= slots - 1)
		move_all(&wheel->slots[level][__builtin_ctzll(slots)], into);
}

void
wheel_advance(struct wheel *wheel, uint64_t now, struct wheel_list *due)
{
	struct wheel_list passing = LIST_HEAD_INITIALIZER(passing);
	struct wheel_item *item;

	move_all(&wheel->at_once, due);
	if (now <= wheel->now)
		return;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		if (position(wheel->now, level) == position(now, level))
			break;
		empty_slots(wheel, level, passed(wheel, level, now), &passing);
	}
	wheel->now = now;
	while ((item = LIST_FIRST(&passing)) != NULL) {
		LIST_REMOVE(item, link);
		if (item->due <= now)
			LIST_INSERT_HEAD(due, item, link);
		else
			enter(wheel, item);
	}
}

/* The time at which now enters this slot. */
static uint64_t
entry_of(const struct wheel *wheel, unsigned level, unsigned slot)
{
	uint64_t above = position(wheel->now, level) - slot_of(wheel->now, level);

	return (above + slot) << (WHEEL_BITS * level);
}

uint64_t
wheel_next(struct wheel *wheel)
{
	if (!LIST_EMPTY(&wheel->at_once))
		return wheel->now;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t *occupied = &wheel->occupied[level];

		for (; *occupied != 0; *occupied &= *occupied - 1) {
			unsigned slot = (unsigned)__builtin_ctzll(*occupied);

			if (!LIST_EMPTY(&wheel->slots[level][slot]))
				return entry_of(wheel, level, slot);
			/* all of it was removed */
		}
	}
	return UINT64_MAX;
}
