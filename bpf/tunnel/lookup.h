/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lookups in the tables. Each returns a copy of the value, which may be as old as the lookup cache lets it be: a jiffy. */
#ifndef SLUICE_LOOKUP_H
#define SLUICE_LOOKUP_H

#include "lib/lookup_cache.h"

/* What a tunnel packet of a service must agree with. */
struct guard {
	__u8 key[KEY_SIZE];
	__u32 tunnel;
	struct endpoint backend;
};

#define WORDS(type) (sizeof(type) / 4)
#define FITS(key, value) \
	_Static_assert(WORDS(key) + WORDS(value) <= LOOKUP_WORDS, "an entry has room for it")

FITS(struct config_key, struct config);
FITS(struct endpoint, struct endpoint);
FITS(struct endpoint, struct service);
FITS(__u32, struct tunnel);
FITS(struct sid, struct guard);

static __always_inline int look_up_config(const void *key, void *value)
{
	struct config_key any = {.queue = ((const struct config_key *)key)->queue};
	struct config *config = bpf_map_lookup_elem(&map_config, key);

	if (!config)
		config = bpf_map_lookup_elem(&map_config, &any);
	if (config)
		*(struct config *)value = *config;
	return config != NULL;
}

/* The configuration of this interface and direction: its own row, else that of every interface, else NULL. */
static __always_inline struct config *find_config(struct __sk_buff *skb, enum queue queue)
{
	struct config_key key = {.ifindex = skb->ifindex, .queue = queue};

	return cached_lookup(LOOKUP_CONFIG, &key, WORDS(key), look_up_config);
}

static __always_inline int look_up_local(const void *endpoint, void *value)
{
	(void)value;
	return bpf_map_lookup_elem(&map_decap, endpoint) != NULL;
}

/* Whether it is the local endpoint of a tunnel. */
static __always_inline int is_local(const struct endpoint *endpoint)
{
	return cached_lookup(LOOKUP_LOCAL, endpoint, WORDS(*endpoint), look_up_local) != NULL;
}

/* A service has two rows in map_nat; the one whose key is in map_encap is keyed by the backend. */
static __always_inline int look_up_backend(const void *proxy, void *value)
{
	struct endpoint *backend = bpf_map_lookup_elem(&map_nat, proxy);

	if (!backend || bpf_map_lookup_elem(&map_encap, proxy))
		return 0;
	*(struct endpoint *)value = *backend;
	return 1;
}

/* The backend that a proxy endpoint stands for, or NULL. */
static __always_inline struct endpoint *find_backend(const struct endpoint *proxy)
{
	return cached_lookup(LOOKUP_BACKEND, proxy, WORDS(*proxy), look_up_backend);
}

static __always_inline int look_up_proxy(const void *backend, void *value)
{
	struct endpoint *proxy = bpf_map_lookup_elem(&map_nat, backend);

	if (!proxy || bpf_map_lookup_elem(&map_encap, proxy))
		return 0;
	*(struct endpoint *)value = *proxy;
	return 1;
}

/* The proxy endpoint that stands for a backend, or NULL. */
static __always_inline struct endpoint *find_proxy(const struct endpoint *backend)
{
	return cached_lookup(LOOKUP_PROXY, backend, WORDS(*backend), look_up_proxy);
}

static __always_inline int look_up_service(const void *backend, void *value)
{
	struct service *service = bpf_map_lookup_elem(&map_encap, backend);

	if (service)
		*(struct service *)value = *service;
	return service != NULL;
}

/* The service that a backend endpoint belongs to, or NULL. */
static __always_inline struct service *find_service(const struct endpoint *backend)
{
	return cached_lookup(LOOKUP_SERVICE, backend, WORDS(*backend), look_up_service);
}

static __always_inline int look_up_tunnel(const void *id, void *value)
{
	struct tunnel *tunnel = bpf_map_lookup_elem(&map_tunnel, id);

	if (tunnel)
		*(struct tunnel *)value = *tunnel;
	return tunnel != NULL;
}

static __always_inline struct tunnel *find_tunnel(__u32 id)
{
	return cached_lookup(LOOKUP_TUNNEL, &id, WORDS(id), look_up_tunnel);
}

static __always_inline int look_up_guard(const void *sid, void *value)
{
	struct verify *verify = bpf_map_lookup_elem(&map_verify, sid);
	struct guard *guard = value;

	if (!verify)
		return 0;
	__builtin_memcpy(guard->key, verify->key, sizeof(guard->key));
	guard->tunnel = verify->tunnel;
	guard->backend = verify->backend;
	return 1;
}

static __always_inline struct guard *find_guard(const struct sid *sid)
{
	return cached_lookup(LOOKUP_GUARD, sid, WORDS(*sid), look_up_guard);
}

#endif
