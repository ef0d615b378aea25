/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which service a dropped packet belongs to, by the tables of the tunnel programs. */
#ifndef SLUICE_MONITOR_FLOW_H
#define SLUICE_MONITOR_FLOW_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "lib/address.h"
#include "monitor/drop.h"
#include "tunnel/flow.h"
#include "tunnel/gue_word.h"
#include "tunnel/tables.h"

#define IP_FRAGMENT_OFFSET 0x1fff
#define ICMP6 58
/* Of ICMP and ICMPv6, before the packet that an error quotes. */
#define ICMP_HEADER 8
#define GUE_SIZE (4 + sizeof(struct sid) + KEY_SIZE)
#define GUE_CONTROL_BIT 0x20
#define GUE_HLEN_BITS 0x1f

struct flow {
	struct endpoint src, dst;
	__u32 l4;
	__u8 proto;
};

static __always_inline int has(const struct drop *drop, __u32 off, __u32 len)
{
	return off < DROP_SNAPSHOT && off + len <= drop->captured;
}

/* Bytes at an offset of the snapshot: for the verifier at most DROP_SNAPSHOT, and DROP_MARGIN bytes follow the snapshot. */
static __always_inline const void *at(const struct drop *drop, __u32 off)
{
	return drop->data + (off & (DROP_SNAPSHOT - 1));
}

/* Reads the headers of the packet at `l3`. Returns 0, or -1 where they are not there. Ports of later fragments and other
 * protocols are 0.
 */
static __noinline int read_flow(const struct drop *drop, __u32 l3, struct flow *flow)
{
	const struct iphdr *ip = at(drop, l3);
	const struct ipv6hdr *ip6;
	const __be16 *ports;
	int later = 0;

	if (!has(drop, l3, sizeof(*ip)))
		return -1;
	if (ip->version == 4) {
		set_ipv4(&flow->src.addr, ip->saddr);
		set_ipv4(&flow->dst.addr, ip->daddr);
		flow->proto = ip->protocol;
		flow->l4 = l3 + ip->ihl * 4;
		later = !!(ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET));
	} else {
		ip6 = at(drop, l3);
		if (!has(drop, l3, sizeof(*ip6)) || ip6->version != 6)
			return -1;
		set_ipv6(&flow->src.addr, &ip6->saddr);
		set_ipv6(&flow->dst.addr, &ip6->daddr);
		flow->proto = ip6->nexthdr;
		flow->l4 = l3 + sizeof(*ip6);
	}
	flow->src.proto = flow->dst.proto = flow->proto;
	flow->src.pad = flow->dst.pad = 0;
	flow->src.port = flow->dst.port = 0;
	if ((flow->proto != IPPROTO_TCP && flow->proto != IPPROTO_UDP) || later ||
	    !has(drop, flow->l4, 4))
		return 0;
	ports = at(drop, flow->l4);
	flow->src.port = ports[0];
	flow->dst.port = ports[1];
	return 0;
}

static __always_inline void set_client(struct drop *drop, const struct address *client)
{
	drop->client = *client;
	drop->flags |= DROP_HAS_CLIENT;
}

static __always_inline void set_tunnel(struct drop *drop, __u32 tunnel)
{
	drop->tunnel = tunnel;
	drop->flags |= DROP_HAS_TUNNEL;
}

static __always_inline void set_service(struct drop *drop, const struct sid *sid)
{
	drop->sid = *sid;
	drop->flags |= DROP_HAS_SERVICE;
}

/* Whether an endpoint is a service's backend or proxy; the other end of the flow is the client. */
static __noinline int is_service(struct drop *drop, const struct endpoint *end,
				 const struct address *client)
{
	const struct service *service = bpf_map_lookup_elem(&map_encap, end);
	const struct endpoint *backend;

	if (!service) {
		backend = bpf_map_lookup_elem(&map_nat, end);
		service = backend ? bpf_map_lookup_elem(&map_encap, backend) : NULL;
	}
	if (!service)
		return 0;
	set_service(drop, &service->sid);
	set_tunnel(drop, service->tunnel);
	set_client(drop, client);
	return 1;
}

/* Whether the packet is to or from a tunnel's local endpoint. What leaves may have a source port of its flow instead. */
static __always_inline int is_of_tunnel(const struct drop *drop, const struct flow *outer,
					__u32 off)
{
	const __be32 *word = at(drop, off);

	if (bpf_map_lookup_elem(&map_decap, &outer->dst) ||
	    bpf_map_lookup_elem(&map_decap, &outer->src))
		return 1;
	return is_flow_port(outer->src.port) && has(drop, off, sizeof(*word)) &&
	       (*word == bpf_htonl(GUE_DATA_IPV4) || *word == bpf_htonl(GUE_DATA_IPV6));
}

/* Such a packet is of the service that its GUE header names; an open ping names its tunnel alone. */
static __always_inline int is_tunnel_packet(struct drop *drop, const struct flow *outer,
					    struct flow *inner)
{
	__u32 off = outer->l4 + sizeof(struct udphdr);
	const struct verify *verify;
	const __u8 *gue;
	struct sid sid;

	if (outer->proto != IPPROTO_UDP || !is_of_tunnel(drop, outer, off))
		return 0;
	gue = at(drop, off);
	if (!has(drop, off, 4 + sizeof(sid)) || !(gue[0] & GUE_HLEN_BITS))
		return 1;
	if ((gue[0] & (GUE_CONTROL_BIT | GUE_HLEN_BITS)) == (GUE_CONTROL_BIT | 1)) {
		set_tunnel(drop, gue[4] << 24 | gue[5] << 16 | gue[6] << 8 | gue[7]);
		return 1;
	}
	sid.service = gue[4] << 8 | gue[5];
	sid.group = gue[6] << 8 | gue[7];
	verify = bpf_map_lookup_elem(&map_verify, &sid);
	set_service(drop, &sid);
	if (verify)
		set_tunnel(drop, verify->tunnel);
	if (gue[0] & GUE_CONTROL_BIT || read_flow(drop, off + GUE_SIZE, inner))
		return 1;
	set_client(drop, verify && same_address(&inner->dst.addr, &verify->backend.addr)
				 ? &inner->src.addr
			 : verify && same_address(&inner->src.addr, &verify->backend.addr)
				 ? &inner->dst.addr
				 : &inner->src.addr);
	return 1;
}

/* Finds a packet's service and client. Returns whether it is the tunnels' at all. */
static __always_inline int find_service(struct drop *drop)
{
	struct flow flow, inner;

	if (read_flow(drop, 0, &flow))
		return 0;
	/* An ICMP error belongs to the packet that it quotes. */
	if ((flow.proto == IPPROTO_ICMP || flow.proto == ICMP6) &&
	    read_flow(drop, flow.l4 + ICMP_HEADER, &flow))
		return 0;
	if (is_tunnel_packet(drop, &flow, &inner))
		return 1;
	return is_service(drop, &flow.dst, &flow.src.addr) ||
	       is_service(drop, &flow.src, &flow.dst.addr);
}

#endif
