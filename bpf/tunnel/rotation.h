/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys that a service accepts: its own, and while keys are rotated, the other of the two. */
#ifndef SLUICE_ROTATION_H
#define SLUICE_ROTATION_H

#include "tunnel/gue.h"
#include "tunnel/tables.h"

static __always_inline void count_use(struct accepted_key *accepted)
{
	__sync_fetch_and_add(&accepted->packets, 1);
	accepted->last_packet = bpf_ktime_get_boot_ns();
}

/* Whether a key that is not the service's own is the other one of a rotation; counts the packet if it is. Which one that
 * is changes with the switch, and the lookup cache may not know of it yet: so both are compared.
 */
static __always_inline int is_other_key(const struct sid *sid, const __u8 *key)
{
	struct rotation *rotation = FIND_ROW(&map_rotation, sid);

	if (!rotation)
		return 0;
	if (same_key(key, rotation->old.key)) {
		count_use(&rotation->old);
		return 1;
	}
	if (same_key(key, rotation->next.key)) {
		count_use(&rotation->next);
		return 1;
	}
	return 0;
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
	return is_other_key(sid, gue->key) ? 0 : -OUT_WRONG_KEY;
}

#endif
