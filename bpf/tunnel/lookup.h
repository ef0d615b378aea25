/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs ask of the tables. Answers are copies that may be a tick of the kernel's clock old. */
#ifndef SLUICE_LOOKUP_H
#define SLUICE_LOOKUP_H

#include "lib/lookup_cache.h"

/* What a packet that names a service is held against. */
struct guard {
	__u8 key[KEY_SIZE];
	__u32 tunnel;
	struct endpoint backend;
};

#define WORDS(type) (sizeof(type) / 4)
#define FITS(key, answer) \
	_Static_assert(WORDS(key) + WORDS(answer) <= MEMO_WORDS, "a memo has room for it")

FITS(struct config_key, struct config);
FITS(struct endpoint, struct endpoint);
FITS(struct endpoint, struct service);
FITS(__u32, struct tunnel);
FITS(struct sid, struct guard);

static __always_inline int ask_config(const void *key, void *answer)
{
	struct config_key any = {.queue = ((const struct config_key *)key)->queue};
	struct config *config = bpf_map_lookup_elem(&map_config, key);

	if (!config)
		config = bpf_map_lookup_elem(&map_config, &any);
	if (config)
		*(struct config *)answer = *config;
	return config != NULL;
}

/* What a program is told to do on this interface: the interface's own row, else that for every interface, else NULL. */
static __always_inline struct config *find_config(struct __sk_buff *skb, enum queue queue)
{
	struct config_key key = {.ifindex = skb->ifindex, .queue = queue};

	return recall(MEMO_CONFIG, &key, WORDS(key), ask_config);
}

static __always_inline int ask_local(const void *endpoint, void *answer)
{
	(void)answer;
	return bpf_map_lookup_elem(&map_decap, endpoint) != NULL;
}

/* Whether a tunnel ends there. */
static __always_inline int is_local(const struct endpoint *endpoint)
{
	return recall(MEMO_LOCAL, endpoint, WORDS(*endpoint), ask_local) != NULL;
}

/* Each service has a row of map_nat for either way: one that leads from a backend does not lead to one. */
static __always_inline int ask_backend(const void *proxy, void *answer)
{
	struct endpoint *backend = bpf_map_lookup_elem(&map_nat, proxy);

	if (!backend || bpf_map_lookup_elem(&map_encap, proxy))
		return 0;
	*(struct endpoint *)answer = *backend;
	return 1;
}

/* The backend that a proxy endpoint stands for, or NULL. */
static __always_inline struct endpoint *find_backend(const struct endpoint *proxy)
{
	return recall(MEMO_BACKEND, proxy, WORDS(*proxy), ask_backend);
}

static __always_inline int ask_proxy(const void *backend, void *answer)
{
	struct endpoint *proxy = bpf_map_lookup_elem(&map_nat, backend);

	if (!proxy || bpf_map_lookup_elem(&map_encap, proxy))
		return 0;
	*(struct endpoint *)answer = *proxy;
	return 1;
}

/* The proxy endpoint that stands for a backend, or NULL. */
static __always_inline struct endpoint *find_proxy(const struct endpoint *backend)
{
	return recall(MEMO_PROXY, backend, WORDS(*backend), ask_proxy);
}

static __always_inline int ask_service(const void *backend, void *answer)
{
	struct service *service = bpf_map_lookup_elem(&map_encap, backend);

	if (service)
		*(struct service *)answer = *service;
	return service != NULL;
}

/* The service that a backend endpoint belongs to, or NULL. */
static __always_inline struct service *find_service(const struct endpoint *backend)
{
	return recall(MEMO_SERVICE, backend, WORDS(*backend), ask_service);
}

static __always_inline int ask_tunnel(const void *id, void *answer)
{
	struct tunnel *tunnel = bpf_map_lookup_elem(&map_tunnel, id);

	if (tunnel)
		*(struct tunnel *)answer = *tunnel;
	return tunnel != NULL;
}

static __always_inline struct tunnel *find_tunnel(__u32 id)
{
	return recall(MEMO_TUNNEL, &id, WORDS(id), ask_tunnel);
}

static __always_inline int ask_guard(const void *sid, void *answer)
{
	struct verify *verify = bpf_map_lookup_elem(&map_verify, sid);
	struct guard *guard = answer;

	if (!verify)
		return 0;
	__builtin_memcpy(guard->key, verify->key, sizeof(guard->key));
	guard->tunnel = verify->tunnel;
	guard->backend = verify->backend;
	return 1;
}

static __always_inline struct guard *find_guard(const struct sid *sid)
{
	return recall(MEMO_GUARD, sid, WORDS(*sid), ask_guard);
}

#endif
