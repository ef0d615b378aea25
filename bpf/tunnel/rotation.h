/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rotation of keys: a service accepts two keys until both ends send the new one. */
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
	struct rotation *rotation = bpf_map_lookup_elem(&map_rotation, sid);

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

#endif
