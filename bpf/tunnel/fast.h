/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fast path of a gateway: ingress also does the work of the stack and of egress, and sends the packet.
 *
 *   request  DNAT, [stack: TTL, route of the inner packet], encapsulation, route of the outer packet
 *   reply    decapsulation, [stack: TTL, route], SNAT
 *
 * All is decided before the first write. A packet takes the normal path where the stack would do more than forward it, or
 * egress more than encapsulate or translate it. Both paths count the same outcomes.
 */
#ifndef SLUICE_FAST_H
#define SLUICE_FAST_H

#include "lib/rewrite.h"
#include "lib/verify.h"
#include "tunnel/encap.h"
#include "tunnel/lookup.h"
#include "tunnel/mss.h"
#include "tunnel/reach.h"
#include "tunnel/stats.h"

/* Whether a router would only decrement the TTL and route the packet: a whole one without IP options or extension headers,
 * whose client has a routable address. The caller checks the header's checksum.
 */
static __always_inline int is_plain(struct __sk_buff *skb, const struct packet *packet,
				    const struct address *client)
{
	__u32 header;
	__u8 *ip, ttl;

	header = packet->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	ip = bytes_at(skb, packet->l3, sizeof(struct iphdr));
	if (!ip)
		return 0;
	ttl = ip[packet->version == 4 ? offsetof(struct iphdr, ttl)
				      : offsetof(struct ipv6hdr, hop_limit)];
	if (packet->l4 - packet->l3 != header || packet->fragment || packet->quote || ttl <= 1)
		return 0;
	/* The stack trims padding of short frames and takes a priority tag off; bpf_fib_lookup ignores rules by fwmark. */
	if (skb->len != packet->l3 + packet->len || skb->vlan_present || skb->mark)
		return 0;
	if (packet->version == 4)
		return 1;
	return !is_ipv4(client) &&
	       (client->words[0] & bpf_htonl(0xffc00000)) != bpf_htonl(0xfe800000);
}

/* Decrements the TTL or hop limit. IPv6 has no header checksum that would balance the change, so the kernel's sum over the
 * packet is changed with it.
 */
static __always_inline int count_hop(struct __sk_buff *skb, const struct packet *packet)
{
	struct ipv6hdr *ipv6;
	struct iphdr *ip;
	__u32 check;

	if (packet->version == 6) {
		bpf_csum_update(skb, csum_fold32(csum_change(0, bpf_htons(1), 0)));
		ipv6 = bytes_at(skb, LINK_HLEN, sizeof(*ipv6));
		if (!ipv6)
			return -1;
		ipv6->hop_limit--;
		return 0;
	}
	ip = bytes_at(skb, LINK_HLEN, sizeof(*ip));
	if (!ip)
		return -1;
	ip->ttl--;
	check = ip->check + bpf_htons(1 << 8); /* RFC 1141 */
	ip->check = check + (check >= 0xffff);
	return 0;
}

/* Finds where the stack would send requests of a service, and whether egress would encapsulate them there: PLAN_ROUTED with
 * `ifindex` and `mtu`, else PLAN_NORMAL.
 */
SUBPROGRAM int find_inner_route(struct __sk_buff *skb, const struct packet *packet,
				struct request *request)
{
	__u32 wanted = TX_PROXY | TX_FIB;
	struct route_query query = {.from = skb->ifindex};
	struct route route = {};
	long result;

	if (!packet || !request)
		return 0;
	query.source = &packet->src.addr;
	query.destination = &request->service.backend.addr;
	request->plan = PLAN_NORMAL;
	result = find_route(skb, &query, &route);
	/* The inner packet's next hop need not be known: the outer packet goes to another. */
	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return 0;
	if ((egress_flags(route.ifindex) & (wanted | TX_DUMP)) != wanted)
		return 0;
	learn_mtu(skb, &query, &route);
	request->ifindex = route.ifindex;
	request->mtu = route.mtu;
	request->plan = PLAN_ROUTED;
	return 0;
}

/* Completes a plan whose inner route is known. Called only for a packet that the stack would send to egress, since finding
 * the path may add a row to map_path_mtu.
 */
static __always_inline void plan_tunnel(struct __sk_buff *skb, struct request *request)
{
	struct path *path;
	int err;

	path = find_path(skb, request->service.tunnel, request->ifindex, 1, &err);
	request->plan = PLAN_NORMAL;
	if (!path || path->route.mtu > request->mtu)
		return;
	request->path = *path;
	request->plan = PLAN_FAST;
}

/* Plans a request. Returns flags for bpf_skb_adjust_room, or 0 for the normal path. */
static __always_inline __u64 plan_request(struct __sk_buff *skb, const struct packet *packet,
					  struct request *request)
{
	struct reach *back;
	__u32 overhead;
	__u64 flags;

	if (!is_plain(skb, packet, &packet->src.addr))
		return 0;
	if (request->plan == PLAN_NONE)
		find_inner_route(skb, packet, request);
	if (request->plan == PLAN_NORMAL)
		return 0;
	/* In place of rp_filter: the route to the client must lead to the input interface. */
	back = find_reach(skb, request->ifindex, &request->service.backend.addr, &packet->src.addr);
	if (!back || !back->lookup.found || back->route.ifindex != skb->ifindex)
		return 0;
	if (request->plan == PLAN_ROUTED)
		plan_tunnel(skb, request);
	if (request->plan != PLAN_FAST)
		return 0;
	overhead = outer_size(is_ipv4(&request->path.tunnel.remote) ? 4 : 6);
	return check_size(skb, packet, overhead, request->path.route.mtu, &flags) ? 0 : flags;
}

/* Drops a packet after a failure in the part of egress. Returns a verdict. */
static __always_inline int fail_egress(struct __sk_buff *skb, enum outcome outcome)
{
	count(QUEUE_TX, outcome);
	mark_dropped(skb, QUEUE_TX, outcome);
	return TC_ACT_SHOT;
}

/* Does the rest for a translated request. `partial`: so is its checksum, and the kernel has no sum to forget. Returns a
 * verdict.
 */
static __always_inline int send_request(struct __sk_buff *skb, const struct packet *packet,
					struct request *request, __u64 room, int partial)
{
	struct cached_service *service = &request->service;
	struct traffic_key key = {
		.tunnel = service->tunnel, .sid = service->sid, .queue = QUEUE_TX};
	struct path *path = &request->path;
	__u8 version = is_ipv4(&path->tunnel.remote) ? 4 : 6;
	__u32 overhead = outer_size(version);
	int err;

	if (unlikely(packet->syn))
		clamp_mss(skb, packet->l4, packet->version, path->route.mtu - overhead);
	if ((!partial && forget_sum(skb)) || count_hop(skb, packet))
		return fail_egress(skb, OUT_ENCAP_FAILED);
	err = grow(skb, packet, overhead, room, version)
		      ?: write_outer(skb, packet, path, service, version, &service->backend);
	if (err)
		return fail_egress(skb, -err);
	count_traffic(&key, packet->len);
	count(QUEUE_TX, OUT_ENCAPSULATED);
	return send_by(skb, &path->route);
}

/* Plans a reply whose inner packet has passed all checks. Returns its service, with the proxy, or NULL for the normal
 * path.
 */
static __always_inline struct cached_service *
plan_reply(struct __sk_buff *skb, const struct packet *outer, const struct packet *inner,
	   const struct cached_service *service, const struct reach *reach)
{
	__u32 wanted = TX_PROXY | TX_SNAT;
	struct cached_service *proxied;
	struct config *config;

	if (!reach || !reach->lookup.found || !reach->route.ifindex || !reach->route.resolved)
		return NULL;
	if (skb->len != outer->l3 + outer->len || !is_plain(skb, inner, &inner->dst.addr) ||
	    !is_header_intact(skb, inner) || segment_size(skb, inner) > reach->route.mtu)
		return NULL;
	config = find_config(reach->route.ifindex, QUEUE_TX);
	if (!config || (config->flags & (wanted | TX_DUMP)) != wanted)
		return NULL;
	proxied = find_by_backend(&service->backend);
	return proxied && proxied->has_proxy ? proxied : NULL;
}

/* Does the rest for a decapsulated reply. Returns a verdict. */
static __always_inline int send_reply(struct __sk_buff *skb, const struct packet *inner,
				      const struct cached_service *service, struct route *route)
{
	int partial = translate(skb, inner, &service->proxy, SIDE_SRC);

	if (partial < 0 || (!partial && forget_sum(skb)) || count_hop(skb, inner))
		return fail_egress(skb, OUT_NAT_FAILED);
	count(QUEUE_TX, OUT_SNAT);
	return send_by(skb, route);
}

#endif
