/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs ask of the tables. Answers are copies that may be a tick of the kernel's clock old. */
#ifndef SLUICE_LOOKUP_H
#define SLUICE_LOOKUP_H

#include "memo.h"

static __always_inline void *look_up_config(const void *key)
{
	struct config_key any = {.queue = ((const struct config_key *)key)->queue};

	return bpf_map_lookup_elem(&map_config, key) ?: bpf_map_lookup_elem(&map_config, &any);
}

/* What a program is told to do on this interface: the interface's own row, else that for every interface, else NULL. */
static __always_inline struct config *find_config(struct __sk_buff *skb, enum queue queue)
{
	struct config_key key = {.ifindex = skb->ifindex, .queue = queue};

	return recall(MEMO_CONFIG, &key, sizeof(key), sizeof(struct config), look_up_config);
}

static __always_inline void *look_up_local(const void *endpoint)
{
	return bpf_map_lookup_elem(&map_decap, endpoint);
}

/* Whether a tunnel ends there. */
static __always_inline int is_local(const struct endpoint *endpoint)
{
	return recall(MEMO_LOCAL, endpoint, sizeof(*endpoint), sizeof(__u32), look_up_local) !=
	       NULL;
}

/* Each service has a row of map_nat for either way: one that leads from a backend does not lead to one. */
static __always_inline void *look_up_backend(const void *proxy)
{
	struct endpoint *backend = bpf_map_lookup_elem(&map_nat, proxy);

	return backend && !bpf_map_lookup_elem(&map_encap, proxy) ? backend : NULL;
}

/* The backend that a proxy endpoint stands for, or NULL. */
static __always_inline struct endpoint *find_backend(const struct endpoint *proxy)
{
	return recall(MEMO_BACKEND, proxy, sizeof(*proxy), sizeof(*proxy), look_up_backend);
}

static __always_inline void *look_up_proxy(const void *backend)
{
	struct endpoint *proxy = bpf_map_lookup_elem(&map_nat, backend);

	return proxy && !bpf_map_lookup_elem(&map_encap, proxy) ? proxy : NULL;
}

/* The proxy endpoint that stands for a backend, or NULL. */
static __always_inline struct endpoint *find_proxy(const struct endpoint *backend)
{
	return recall(MEMO_PROXY, backend, sizeof(*backend), sizeof(*backend), look_up_proxy);
}

static __always_inline void *look_up_service(const void *backend)
{
	return bpf_map_lookup_elem(&map_encap, backend);
}

static __always_inline struct service *find_service(const struct endpoint *backend)
{
	return recall(MEMO_SERVICE, backend, sizeof(*backend), sizeof(struct service),
		      look_up_service);
}

static __always_inline void *look_up_tunnel(const void *id)
{
	return bpf_map_lookup_elem(&map_tunnel, id);
}

static __always_inline struct tunnel *find_tunnel(__u32 id)
{
	return recall(MEMO_TUNNEL, &id, sizeof(id), sizeof(struct tunnel), look_up_tunnel);
}

static __always_inline void *look_up_verify(const void *sid)
{
	return bpf_map_lookup_elem(&map_verify, sid);
}

static __always_inline struct verify *find_verify(const struct sid *sid)
{
	return recall(MEMO_VERIFY, sid, sizeof(*sid), sizeof(struct verify), look_up_verify);
}

#endif
