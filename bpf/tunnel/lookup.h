/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lookups of the tunnel programs. Each returns an entry of a lookup cache, valid until the next lookup in the same
 * cache, or NULL where the tables have no such row.
 *
 * A service has one entry with all that a program needs of it: two answers about one service cannot disagree.
 */
#ifndef SLUICE_LOOKUP_H
#define SLUICE_LOOKUP_H

#include "lib/lookup_cache.h"
#include "lib/packet.h"
#include "tunnel/path.h"
#include "tunnel/tables.h"

#define CONFIG_LOG2 5
#define LOCAL_LOG2 5
#define CLIENT_LOG2 8
#define SERVICE_LOG2 8

struct cached_config {
	struct lookup lookup;
	struct config_key key;
	struct config config;
};

struct cached_endpoint {
	struct lookup lookup;
	struct endpoint key;
	__u32 pad;
};

/* Of cached services alone: tokens are required, and there is no signing key to make them of. */
#define TOKEN_NO_KEY (TOKEN_REQUIRE + 1)
/* Nanoseconds that a token is sent for. */
#define TOKEN_EPOCH 16000000000ULL

/* How a service's packets prove themselves. */
struct service_token {
	__u64 key[2]; /* the signing key */
	__u32 mode;   /* enum token_mode, or TOKEN_NO_KEY */
	__u32 now;    /* the receiver's current epoch */
	__u32 send;   /* the sender's */
	__u32 pad;
};

/* A service. Which of its members is the key depends on the cache. */
struct cached_service {
	struct lookup lookup;
	struct endpoint proxy;
	__u32 ifindex; /* in proxy_cache: of the interface where requests come in */
	struct endpoint backend;
	__u32 tunnel;
	struct sid sid;
	__u32 has_proxy; /* in backend_cache: map_nat leads from the backend to `proxy` */
	__u8 key[KEY_SIZE];
	struct service_token token;
};

enum plan {
	PLAN_NONE = 0, /* not made yet */
	PLAN_NORMAL,
	PLAN_ROUTED, /* the route of the inner packet is known, the path is not */
	PLAN_FAST,
};

/* A service as its requests need it. */
struct request {
	struct cached_service service;
	__u32 plan; /* enum plan: which path requests take where the flag fast is set */
	/* With PLAN_ROUTED and PLAN_FAST: */
	__u32 ifindex; /* of the interface where the stack would send the translated packet */
	__u32 mtu;     /* there */
	__u32 pad;
	struct path path; /* with PLAN_FAST */
};

/* Reads how the packets of a service prove themselves. */
SUBPROGRAM int look_up_token(struct cached_service *service)
{
	struct sid sid;
	__u32 tunnel, flags;
	__u64 time;

	if (!service)
		return 0;
	sid = service->sid;
	tunnel = service->tunnel;
	service->token.mode = TOKEN_OFF;
	flags = read_flags(tunnel);
	if (likely(!TOKEN_MODE(flags)))
		return 0;
	service->token.mode = TOKEN_MODE(flags);
	if (!READ_ROW(&map_signing, &sid, row, COPY(&service->token.key, &row->key))) {
		/* The other modes go on with the key. */
		service->token.mode =
			service->token.mode == TOKEN_REQUIRE ? TOKEN_NO_KEY : TOKEN_OFF;
		return 0;
	}
	time = bpf_ktime_get_tai_ns();
	service->token.now = time / TOKEN_EPOCH;
	service->token.send = (time - TOKEN_EPOCH / 2) / TOKEN_EPOCH;
	return 0;
}

static __always_inline int take_service(struct cached_service *entry, const struct service *service)
{
	return COPY(&entry->tunnel, &service->tunnel) | COPY(&entry->sid, &service->sid) |
	       COPY(&entry->key, &service->key);
}

/* Completes an entry by the row of its backend in map_encap. Returns whether there is one. */
SUBPROGRAM int read_service(struct cached_service *entry)
{
	struct endpoint backend;

	if (!entry)
		return 0;
	backend = entry->backend;
	return READ_ROW(&map_encap, &backend, row, take_service(entry, row));
}

/* Reads what an endpoint is translated to. Returns whether there is a row. */
SUBPROGRAM int read_nat(const struct endpoint *from, struct endpoint *to)
{
	struct endpoint key;

	if (!from || !to)
		return 0;
	key = *from;
	return READ_ROW(&map_nat, &key, row, COPY(to, row));
}

static __always_inline int look_up_service(struct cached_service *entry)
{
	if (!read_service(entry))
		return 0;
	look_up_token(entry);
	entry->lookup.found = 1;
	return 1;
}

LOOKUP_CACHE(config_cache, struct cached_config, CONFIG_LOG2);

/* A flag of cached ingress rows, never of the table: tunnel packets that arrive here are a gateway's. */
#define RX_GATEWAY (1U << 31)

/* Reads the row of an interface and direction: its own, else that of every interface. `take` as in READ_ROW, of `row`. */
#define READ_CONFIG(interface, direction, row, take)                                           \
	({                                                                                     \
		struct config_key config_key = {.ifindex = (interface), .queue = (direction)}; \
		int is_there = READ_ROW(&map_config, &config_key, row, take);                  \
                                                                                               \
		if (!is_there) {                                                               \
			config_key.ifindex = 0;                                                \
			is_there = READ_ROW(&map_config, &config_key, row, take);              \
		}                                                                              \
		is_there;                                                                      \
	})

/* The flags of an interface's egress; 0 where it is not configured. */
static __always_inline __u32 egress_flags(__u32 ifindex)
{
	__u32 flags = 0;

	return READ_CONFIG(ifindex, QUEUE_TX, row, COPY(&flags, &row->flags)) ? flags : 0;
}

SUBPROGRAM int look_up_config(struct cached_config *entry)
{
	struct config_key key;

	if (!entry)
		return 0;
	key = entry->key;
	if (!READ_CONFIG(key.ifindex, key.queue, row, COPY(&entry->config, row)))
		return 0;
	entry->lookup.found = 1;
	if (key.queue == QUEUE_RX) {
		if (entry->config.flags & RX_DNAT || egress_flags(key.ifindex) & TX_PROXY)
			entry->config.flags |= RX_GATEWAY;
	} else if (!FIND_ROW(&map_config, &key)) {
		/* The row of every interface does not say that this one is a veth. */
		entry->config.flags &= ~TX_PEER;
	}
	return 0;
}

/* The config row of an interface and direction: the interface's own, else that of every interface, else NULL.
 *
 * The direction is the slot's lowest bit: the row of the packet's own hook stays valid while that of the other one is looked
 * up.
 */
static __always_inline struct config *find_config(__u32 ifindex, enum queue queue)
{
	_Alignas(8) struct config_key key = {.ifindex = ifindex, .queue = queue};
	__u32 slot = lookup_slot((void *)&key, WORDS(key), CONFIG_LOG2 - 1) << 1 | queue;
	struct cached_config *entry = bpf_map_lookup_elem(&config_cache, &slot);

	if (!entry)
		return NULL;
	if (!lookup_hit(&entry->lookup, (void *)&entry->key, (void *)&key, WORDS(key)))
		look_up_config(entry);
	return entry->lookup.found ? &entry->config : NULL;
}

#ifdef LOOKUP_INGRESS

LOOKUP_CACHE(local_cache, struct cached_endpoint, LOCAL_LOG2);
LOOKUP_CACHE(client_cache, struct cached_endpoint, CLIENT_LOG2);
LOOKUP_CACHE(proxy_cache, struct request, SERVICE_LOG2);
LOOKUP_CACHE(sid_cache, struct cached_service, SERVICE_LOG2);

/* Whether a table has a row of the endpoint; `cache` has that of the last ones. */
static __always_inline int has_endpoint(void *table, void *cache, __u32 log2,
					const struct endpoint *endpoint)
{
	__u32 slot = lookup_slot((const void *)endpoint, WORDS(*endpoint), log2);
	struct cached_endpoint *entry = bpf_map_lookup_elem(cache, &slot);

	if (!entry)
		return 0;
	if (!lookup_hit(&entry->lookup, (void *)&entry->key, (const void *)endpoint,
			WORDS(*endpoint)))
		entry->lookup.found = FIND_ROW(table, endpoint) != NULL;
	return entry->lookup.found;
}

/* Whether the endpoint is the local end of a tunnel. */
static __always_inline int is_local(const struct endpoint *endpoint)
{
	return has_endpoint(&map_decap, &local_cache, LOCAL_LOG2, endpoint);
}

/* Whether the endpoint, which replies go to, is a backend of a service. */
static __always_inline int is_backend(const struct endpoint *endpoint)
{
	return has_endpoint(&map_encap, &client_cache, CLIENT_LOG2, endpoint);
}

/* map_nat has a row for either direction: one whose key is in map_encap leads from a backend, not to one. A service
 * without its row in map_encap is being deleted: egress would not encapsulate its packets, so they are not translated.
 */
static __always_inline void look_up_proxy(struct cached_service *entry)
{
	if (read_nat(&entry->proxy, &entry->backend) && !FIND_ROW(&map_encap, &entry->proxy))
		look_up_service(entry);
}

/* The service of a proxy endpoint, for requests that come in by an interface. */
static __always_inline struct request *find_by_proxy(const struct endpoint *proxy, __u32 ifindex)
{
	_Alignas(8) struct {
		struct endpoint proxy;
		__u32 ifindex;
	} key = {.proxy = *proxy, .ifindex = ifindex};
	__u32 slot = lookup_slot((void *)&key, WORDS(key), SERVICE_LOG2);
	struct request *entry = bpf_map_lookup_elem(&proxy_cache, &slot);
	struct cached_service *service;

	if (!entry)
		return NULL;
	service = &entry->service;
	if (!lookup_hit(&service->lookup, (void *)&service->proxy, (void *)&key, WORDS(key))) {
		entry->plan = PLAN_NONE;
		look_up_proxy(service);
	}
	return service->lookup.found ? entry : NULL;
}

static __always_inline int take_verify(struct cached_service *entry, const struct verify *verify)
{
	return COPY(&entry->proxy, &verify->proxy) | COPY(&entry->backend, &verify->backend) |
	       COPY(&entry->tunnel, &verify->tunnel) | COPY(&entry->key, &verify->key);
}

/* Completes an entry by the row of its sid in map_verify. Returns whether there is one. */
SUBPROGRAM int read_verify(struct cached_service *entry)
{
	struct sid sid;

	if (!entry)
		return 0;
	sid = entry->sid;
	return READ_ROW(&map_verify, &sid, row, take_verify(entry, row));
}

static __always_inline void look_up_sid(struct cached_service *entry)
{
	if (!read_verify(entry))
		return;
	look_up_token(entry);
	entry->lookup.found = 1;
}

/* The service that a sid names. */
static __always_inline struct cached_service *find_by_sid(const struct sid *sid)
{
	__u32 slot = lookup_slot((const void *)sid, WORDS(*sid), SERVICE_LOG2);
	struct cached_service *entry = bpf_map_lookup_elem(&sid_cache, &slot);

	if (!entry)
		return NULL;
	if (!lookup_hit(&entry->lookup, (void *)&entry->sid, (const void *)sid, WORDS(*sid)))
		look_up_sid(entry);
	return entry->lookup.found ? entry : NULL;
}

#endif

LOOKUP_CACHE(backend_cache, struct cached_service, SERVICE_LOG2);

static __always_inline void look_up_backend(struct cached_service *entry)
{
	if (look_up_service(entry))
		entry->has_proxy = read_nat(&entry->backend, &entry->proxy) &&
				   !FIND_ROW(&map_encap, &entry->proxy);
}

/* The service of a backend endpoint. */
static __always_inline struct cached_service *find_by_backend(const struct endpoint *backend)
{
	__u32 slot = lookup_slot((const void *)backend, WORDS(*backend), SERVICE_LOG2);
	struct cached_service *entry = bpf_map_lookup_elem(&backend_cache, &slot);

	if (!entry)
		return NULL;
	if (!lookup_hit(&entry->lookup, (void *)&entry->backend, (const void *)backend,
			WORDS(*backend)))
		look_up_backend(entry);
	return entry->lookup.found ? entry : NULL;
}

#endif
