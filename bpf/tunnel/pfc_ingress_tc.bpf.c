// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The receiving end of a GUE tunnel.
 *
 * Hook      tc ingress, direct action
 * Reads     map_config, map_decap, map_verify, map_nat, map_encap, map_tunnel, map_rotation, map_signing,
 *           map_signed_only, map_tunnel_opts, map_ping_time, map_path_mtu
 * Writes    map_tunnel (the far end, learned from pings), map_rotation (the use of each key), map_ping_time,
 *           map_path_mtu, map_frag, map_stats, map_tunnel_stats, map_traffic_owner, map_traffic_slot, map_events,
 *           the mark
 * Verdicts  OK        decapsulated or translated: continues up the stack
 *           REDIRECT  decapsulated or translated, and egress's work done, too: the packet leaves by the fast path; or
 *                     handed to a container; or a signed ping, which has become its answer
 *           SHOT      other pings, which end here, and packets that claim to be ours and are not
 *           UNSPEC    not ours: the next filter decides
 */
#define LOOKUP_INGRESS

#include <linux/errno.h>

#include "lib/rewrite.h"
#include "lib/verify.h"
#include "tunnel/control.h"
#include "tunnel/ecn.h"
#include "tunnel/event.h"
#include "tunnel/fast.h"
#include "tunnel/gue.h"
#include "tunnel/lookup.h"
#include "tunnel/mark.h"
#include "tunnel/mss.h"
#include "tunnel/parse.h"
#include "tunnel/path_mtu.h"
#include "tunnel/peer.h"
#include "tunnel/reach.h"
#include "tunnel/rotation.h"
#include "tunnel/stats.h"
#include "tunnel/token.h"

/* What one run knows. */
struct run {
	struct packet outer;
	struct packet inner;
	struct config *config;
	__u64 event; /* id of the snapshot taken before the action; 0: none */
	int verdict; /* of a packet on the fast path, or an answer; TC_ACT_UNSPEC: that of the outcome */
};

static __always_inline void snapshot(struct __sk_buff *skb, struct run *run)
{
	if (likely(!(run->config->flags & RX_DUMP)))
		return;
	run->event = new_event();
	write_event(skb, run->config, run->event, QUEUE_RX, STAGE_BEFORE << 16);
}

/* Whether packets may take the fast path. Dumped packets pass both hooks, since events are of both. */
static __always_inline int is_fast(const struct run *run)
{
	return (run->config->flags & (RX_FAST | RX_DUMP)) == RX_FAST;
}

/* Reads and judges the inner packet: a key is valid for its service and one direction, to the backend at a node and from
 * it at a gateway. Returns 0 or a negative reason.
 */
static __always_inline int check_inner(struct __sk_buff *skb, struct run *run,
				       const struct gue_part *part,
				       const struct cached_service *service, struct reach **reach)
{
	__u32 version = GUE_PROTO(part->word) == IPPROTO_IPIP ? 4 : 6;
	struct packet *inner = &run->inner;
	int err;

	err = parse_plain(skb, part->off + sizeof(struct gue), version, inner);
	if (unlikely(err))
		err = parse_packet(skb, part->off + sizeof(struct gue), version, QUEUE_RX, inner);
	if (err == -OUT_FRAGMENT_BEFORE_FIRST)
		return -OUT_INNER_FRAGMENT;
	if (err)
		return err;
	if (inner->len != part->len - sizeof(struct gue))
		return skb->gso_size && inner->len < part->len ? -OUT_MERGED : -OUT_INNER_LENGTH;
	if (!inner->has_ports)
		return -OUT_FOREIGN_INNER;
	if (!(run->config->flags & RX_GATEWAY))
		return same_endpoint(&inner->dst, &service->backend) ? 0 : -OUT_FOREIGN_INNER;
	if (!same_endpoint(&inner->src, &service->backend))
		return -OUT_FOREIGN_INNER;
	err = check_reach(skb, inner, reach);
	return err == -OUT_INNER_LOCAL && run->config->flags & RX_LOCAL ? 0 : err;
}

/* Replies to this packet leave by this interface: its MTU less the outer header is their limit. */
static __always_inline void clamp_decapsulated(struct __sk_buff *skb, const struct packet *inner,
					       __u32 stripped)
{
	__u32 mtu = 0;

	if (bpf_check_mtu(skb, 0, &mtu, 0, 0) < 0 || mtu < stripped)
		return;
	clamp_mss(skb, LINK_HLEN + inner->l4 - inner->l3, inner->version, mtu - stripped);
}

/* Returns OUT_DECAPSULATED or a negative reason. */
static __always_inline int decapsulate(struct __sk_buff *skb, struct run *run,
				       const struct gue_part *part)
{
	struct packet *inner = &run->inner;
	struct traffic_key key = {.queue = QUEUE_RX};
	__u32 stripped = part->off + sizeof(struct gue) - LINK_HLEN;
	struct cached_service *service, *proxied = NULL;
	struct reach *reach = NULL;
	struct route *veth = NULL;
	struct gue *gue;
	int err, mark, claims;

	if (part->len < sizeof(*gue))
		return -OUT_GUE_HEADER;
	gue = bytes_at(skb, part->off, sizeof(*gue));
	if (!gue)
		return -OUT_GUE_HEADER;
	err = authenticate(gue, &key.sid, &service, 1);
	if (err && (!service || !service->token.mode))
		return err;
	/* A token depends on the inner packet's flow, which is not parsed yet. */
	claims = err || service->token.mode >= TOKEN_REQUIRE;
	if (unlikely(claims) && !claim_token(gue->key))
		return -OUT_WRONG_KEY;
	key.tunnel = service->tunnel;
	err = check_inner(skb, run, part, service, &reach);
	if (err)
		return err;
	if (unlikely(claims) && !has_token(inner, service))
		return service->token.mode < TOKEN_REQUIRE ? -OUT_WRONG_KEY : -OUT_TOKEN;
	mark = ecn_fold(run->outer.tos, inner->tos);
	if (mark < 0)
		return mark;

	if (LINK_HLEN && run->config->flags & RX_PEER && !(run->config->flags & RX_GATEWAY))
		veth = plan_peer(skb, &run->outer, inner);
	if (is_fast(run))
		proxied = plan_reply(skb, &run->outer, inner, service, reach);
	remember_fragment(inner, QUEUE_RX);
	err = strip_outer(skb, stripped, run->outer.version, inner->version);
	if (err)
		return err;
	if (unlikely(mark != (inner->tos & ECN_MASK))) {
		err = ecn_mark(skb, LINK_HLEN, inner->version, mark);
		if (err)
			return err;
	}
	if (unlikely(inner->syn))
		clamp_decapsulated(skb, inner, stripped);
	if (run->config->flags & RX_GATEWAY)
		set_mark(skb, MARK_REPLY);
	count_traffic(&key, inner->len);
	inner->l3 -= stripped;
	inner->l4 -= stripped;
	if (veth)
		run->verdict = send_peer(skb, inner, veth);
	if (proxied && reach)
		run->verdict = send_reply(skb, inner, proxied, &reach->route);
	return OUT_DECAPSULATED;
}

/* Judges the GUE header of a packet sent to a tunnel's local endpoint. Returns an outcome or a negative reason. */
static __always_inline int take_gue(struct __sk_buff *skb, struct run *run)
{
	const struct packet *outer = &run->outer;
	__u32 rest = outer->len - (outer->l4 - outer->l3), udp_len;
	struct gue_part part = {.off = outer->l4 + sizeof(struct udphdr)};
	struct udphdr *udp;
	__sum16 check;
	__be32 *word;

	udp = bytes_at(skb, outer->l4, sizeof(*udp));
	if (!udp)
		return -OUT_GUE_LENGTH;
	udp_len = bpf_ntohs(udp->len);
	check = udp->check;
	if (unlikely(!udp_len && skb->gso_size))
		udp_len = rest;
	if (udp_len != rest)
		return -OUT_GUE_LENGTH;
	if (unlikely(!is_header_intact(skb, outer) || !is_udp_intact(skb, outer, check, udp_len)))
		return OUT_BAD_CHECKSUM;
	part.len = udp_len - sizeof(*udp);
	if (part.len < sizeof(*word))
		return -OUT_GUE_HEADER;
	word = bytes_at(skb, part.off, sizeof(*word));
	if (!word)
		return -OUT_GUE_HEADER;
	part.word = bpf_ntohl(*word);

	if (GUE_VERSION(part.word))
		return -OUT_GUE_VERSION;
	if (GUE_HLEN(part.word) * 4 + sizeof(*word) > part.len)
		return -OUT_GUE_HEADER;
	if (GUE_CONTROL(part.word)) {
		snapshot(skb, run);
		return take_control(skb, outer, &part, run->config->flags, &run->verdict);
	}
	if (!GUE_HLEN(part.word))
		return OUT_PLAIN_GUE;
	snapshot(skb, run);
	if (part.word != GUE_DATA_IPV4 && part.word != GUE_DATA_IPV6)
		return -OUT_GUE_HEADER;
	return decapsulate(skb, run, &part);
}

/* Returns an outcome or a negative reason. */
static __always_inline int to_backend(struct __sk_buff *skb, struct run *run)
{
	struct request *request = find_by_proxy(&run->outer.dst, skb->ifindex);
	__u64 room = 0;
	int partial;

	if (!request)
		return OUT_NOT_OURS;
	if (unlikely(!is_header_intact(skb, &run->outer)))
		return OUT_BAD_CHECKSUM;
	snapshot(skb, run);
	if (is_fast(run))
		room = plan_request(skb, &run->outer, request);
	remember_fragment(&run->outer, QUEUE_RX);
	partial = translate(skb, &run->outer, &request->service.backend, SIDE_DST);
	if (partial < 0)
		return -OUT_NAT_FAILED;
	if (room)
		run->verdict = send_request(skb, &run->outer, request, room, partial);
	else
		set_mark(skb, MARK_REQUEST);
	return OUT_DNAT;
}

/* Whether an ICMP error about a UDP packet reports the MTU of a tunnel's path. */
static __always_inline int reports_mtu(struct __sk_buff *skb, const struct packet *error)
{
	int own = is_local(&error->dst);

	return (own || is_flow_port(error->dst.port)) && is_header_intact(skb, error) &&
	       is_error_intact(skb, error) && learn_path_mtu(skb, error, own);
}

/* Returns an outcome or a negative reason. */
static __always_inline int take_packet(struct __sk_buff *skb, struct run *run)
{
	const struct packet *outer = &run->outer;
	int outcome = parse_frame(skb, QUEUE_RX, &run->outer);

	if (outcome)
		return outcome;
	if (outer->proto == IPPROTO_UDP && is_local(&outer->dst))
		return outer->fragment ? OUT_OUTER_FRAGMENT : take_gue(skb, run);
	if (unlikely(outer->quote) && outer->dst.proto == IPPROTO_UDP && reports_mtu(skb, outer))
		return OUT_PATH_MTU;
	if (run->config->flags & RX_DNAT)
		return to_backend(skb, run);
	return OUT_NOT_OURS;
}

SEC("tc")
int pfc_ingress(struct __sk_buff *skb)
{
	struct run run;
	int outcome;

	take_mark(skb);
	run.config = find_config(skb->ifindex, QUEUE_RX);
	if (!run.config) {
		count(QUEUE_RX, OUT_NO_CONFIG);
		return TC_ACT_UNSPEC;
	}
	run.event = 0;
	run.verdict = TC_ACT_UNSPEC;
	outcome = take_packet(skb, &run);
	if (outcome < 0)
		outcome = -outcome;
	count(QUEUE_RX, outcome);
	if (unlikely(verdict_of(outcome) == TC_ACT_SHOT && run.verdict == TC_ACT_UNSPEC))
		mark_dropped(skb, QUEUE_RX, outcome);
	if (unlikely(run.event))
		write_event(skb, run.config, run.event, QUEUE_RX, STAGE_AFTER << 16 | outcome);
	return run.verdict == TC_ACT_UNSPEC ? verdict_of(outcome) : run.verdict;
}

char _license[] SEC("license") = "Dual BSD/GPL";
