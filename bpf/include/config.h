/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a program is told to do on this interface. */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include "tables.h"

/* Returns the interface's own row, else that for every interface, else NULL. */
static __always_inline struct config *find_config(struct __sk_buff *skb, enum queue queue)
{
	struct config_key key = {.ifindex = skb->ifindex, .queue = queue};
	struct config *config = bpf_map_lookup_elem(&map_config, &key);

	if (config)
		return config;
	key.ifindex = 0;
	return bpf_map_lookup_elem(&map_config, &key);
}

#endif
