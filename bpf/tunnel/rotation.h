/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys that a service accepts: its own, and while keys are rotated, the other of the two. */
#ifndef SLUICE_ROTATION_H
#define SLUICE_ROTATION_H

#include "lib/packet.h"
#include "lib/words.h"
#include "tunnel/gue.h"
#include "tunnel/tables.h"

/* Room for one row, without its counters: the stack has too little. */
MAP(rotation_scratch, PERCPU_ARRAY, __u32, struct rotation, 1);

static __always_inline int take_keys(struct accepted_key *to, const struct accepted_key *from)
{
	return COPY(&to->key, &from->key) | COPY(&to->signing, &from->signing);
}

/* Reads the keys of a service's rotation into rotation_scratch. Returns whether there is one. */
SUBPROGRAM int read_rotation(const struct sid *of)
{
	__u32 zero = 0;
	struct rotation *to = bpf_map_lookup_elem(&rotation_scratch, &zero);
	struct sid sid;

	if (!of || !to)
		return 0;
	sid = *of;
	return READ_ROW(&map_rotation, &sid, row,
			take_keys(&to->old, &row->old) | take_keys(&to->next, &row->next));
}

/* The keys of a service's rotation, valid until those of the next one are read; NULL: there is none. */
static __always_inline struct rotation *find_rotation(const struct sid *sid)
{
	__u32 zero = 0;

	return read_rotation(sid) ? bpf_map_lookup_elem(&rotation_scratch, &zero) : NULL;
}

enum rotation_key {
	OLD_KEY,
	NEXT_KEY
};

/* Counts a packet that came with one of the two keys, of `enum rotation_key`. */
SUBPROGRAM int count_use(const struct sid *of, __u32 which)
{
	struct rotation *rotation;
	struct accepted_key *accepted;
	struct sid sid;

	if (!of)
		return 0;
	sid = *of;
	rotation = FIND_ROW(&map_rotation, &sid);
	if (!rotation)
		return 0;
	accepted = which == NEXT_KEY ? &rotation->next : &rotation->old;
	__sync_fetch_and_add(&accepted->packets, 1);
	accepted->last_packet = bpf_ktime_get_boot_ns();
	return 0;
}

/* Whether a key that is not the service's own is the other one of its rotation, which may be NULL; counts the packet if it is.
 * Which one that is changes with the switch, and the lookup cache may not know of it yet: so both are compared.
 */
static __always_inline int is_other_key(const struct sid *sid, const struct rotation *rotation,
					const __u8 *key)
{
	int is_next;

	if (!rotation)
		return 0;
	is_next = same_key(key, rotation->next.key);
	if (!is_next && !same_key(key, rotation->old.key))
		return 0;
	count_use(sid, is_next ? NEXT_KEY : OLD_KEY);
	return 1;
}

/* Finds the service that a sid and a key name. Returns 0 or a negative reason. With `by_token` the key may be a token instead:
 * then only the service's own key is compared.
 */
static __always_inline int authenticate(const struct gue *gue, struct sid *sid,
					struct cached_service **service, int by_token)
{
	read_sid(sid, &gue->sid);
	*service = find_by_sid(sid);
	if (!*service)
		return -OUT_UNKNOWN_SERVICE;
	if (likely(same_key(gue->key, (*service)->key)))
		return 0;
	if (by_token && (*service)->token.mode)
		return -OUT_WRONG_KEY;
	return is_other_key(sid, find_rotation(sid), gue->key) ? 0 : -OUT_WRONG_KEY;
}

#endif
