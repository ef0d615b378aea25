/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses of both families, in network byte order. */
#ifndef SLUICE_ADDRESS_H
#define SLUICE_ADDRESS_H

#include <linux/in6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define V4_MAPPED bpf_htonl(0xffff)

/* IPv4 is stored v4-mapped, ::ffff:a.b.c.d, so that one table serves both families. */
struct address {
	union {
		__u8 bytes[16];
		__be32 words[4];
	};
};

struct endpoint {
	struct address addr;
	__be16 port;
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 pad;
};

static __always_inline void set_ipv4(struct address *address, __be32 ipv4)
{
	address->words[0] = 0;
	address->words[1] = 0;
	address->words[2] = V4_MAPPED;
	address->words[3] = ipv4;
}

static __always_inline void set_ipv6(struct address *address, const struct in6_addr *ipv6)
{
	__builtin_memcpy(address, ipv6, sizeof(*address));
}

static __always_inline int is_ipv4(const struct address *address)
{
	return !(address->words[0] | address->words[1] | (address->words[2] ^ V4_MAPPED));
}

/* `::` or 0.0.0.0. */
static __always_inline int is_unspecified(const struct address *address)
{
	return !(address->words[3] | address->words[0] | address->words[1]) &&
	       (!address->words[2] || address->words[2] == V4_MAPPED);
}

/* Whether it may be the address of one host: neither unspecified nor multicast nor 240.0.0.0/4, with the broadcast address. */
static __always_inline int is_host(const struct address *address)
{
	if (is_unspecified(address))
		return 0;
	return is_ipv4(address) ? address->bytes[12] < 224 : address->bytes[0] != 0xff;
}

static __always_inline int same_address(const struct address *a, const struct address *b)
{
	return !((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) |
		 (a->words[2] ^ b->words[2]) | (a->words[3] ^ b->words[3]));
}

static __always_inline int same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return same_address(&a->addr, &b->addr) && a->port == b->port && a->proto == b->proto;
}

#endif
