// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sending end of a GUE tunnel.
 *
 * Hook      tc egress, direct action
 * Reads     map_config, map_encap, map_tunnel, map_nat
 * Writes    map_frag, map_stats, map_tunnel_stats, map_events
 * Verdicts  OK        encapsulated or translated: it leaves here
 *           REDIRECT  encapsulated, and its route or the kernel's neighbour takes it; or it did not fit, and the
 *                     answer goes up to the stack
 *           SHOT      meant for a tunnel that cannot take it: such a packet never leaves in the clear
 *           UNSPEC    not ours: the next filter decides
 */
#include <linux/errno.h>

#include "lib/icmp_answer.h"
#include "lib/rewrite.h"
#include "lib/route.h"
#include "tunnel/event.h"
#include "tunnel/gue.h"
#include "tunnel/lookup.h"
#include "tunnel/mss.h"
#include "tunnel/parse.h"
#include "tunnel/stats.h"

/* What one run knows. */
struct run {
	struct packet packet;
	struct route *route; /* NULL: it goes where it was going */
	__u32 mtu;	     /* of where it leaves */
	struct config *config;
	__u64 event;  /* id of the snapshot taken before the action; 0: none */
	int redirect; /* the answer to a packet that did not fit goes up by this; 0: none */
};

static __always_inline void snapshot(struct __sk_buff *skb, struct run *run)
{
	if (likely(!(run->config->flags & TX_DUMP)))
		return;
	run->event = bpf_ktime_get_ns();
	write_event(skb, run->config, run->event, QUEUE_TX, STAGE_BEFORE << 16);
}

/* A segment of a super-packet, or the whole of any other packet, from its IP header on. */
static __always_inline __u32 segment_size(struct __sk_buff *skb, const struct packet *packet)
{
	struct tcphdr *tcp;
	__u32 headers = packet->l4 - packet->l3;

	if (likely(!skb->gso_size))
		return packet->len;
	if (packet->proto != IPPROTO_TCP)
		return headers + sizeof(struct udphdr) + skb->gso_size;
	tcp = bytes_at(skb, packet->l4, sizeof(*tcp));
	return headers + (tcp ? tcp->doff * 4 : 60) + skb->gso_size;
}

/* Where to, and how much fits there. Returns 0 or a negative reason. */
static __always_inline int plan_route(struct __sk_buff *skb, struct run *run,
				      const struct tunnel *tunnel)
{
	if (!(run->config->flags & TX_FIB)) {
		run->mtu = interface_mtu(skb, 0);
		return 0;
	}
	run->route = find_route(skb, tunnel);
	if (!run->route)
		return -OUT_NO_ROUTE;
	run->mtu = run->route->mtu;
	return 0;
}

/* How the kernel is to make room. Returns its flags, or a negative reason for a packet that does not fit.
 *
 * Segments keep their size where they fit with the outer header on them. TCP's may also be cut smaller, for which the
 * flag is left out. Those of UDP may not: they are datagrams.
 */
static __always_inline long check_size(struct __sk_buff *skb, const struct packet *packet,
				       __u32 overhead, __u32 mtu, __u64 *flags)
{
	__u32 size = segment_size(skb, packet);

	*flags = BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
		 (overhead == sizeof(struct outer_ipv4) ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4
							: BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
	if (likely(size + overhead <= mtu)) {
		*flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
		return 0;
	}
	if (skb->gso_size > overhead && packet->proto == IPPROTO_TCP && size <= mtu)
		return 0;
	return -OUT_TOO_BIG;
}

/* Makes the packet the answer to its sender, which main hands up the stack. Returns a negative reason. */
static __always_inline int refuse_size(struct __sk_buff *skb, struct run *run, __u32 overhead)
{
	__u32 mtu = run->mtu > overhead ? run->mtu - overhead : 0;

	if (icmp_answer(skb, &run->packet, ANSWER_TOO_BIG, mtu))
		return -OUT_TOO_BIG_SILENT;
	run->redirect = 1;
	return -OUT_TOO_BIG;
}

/* Makes room for the outer header, and lets the kernel know what it is for. Returns 0 or -OUT_ENCAP_FAILED. */
static __always_inline int grow(struct __sk_buff *skb, const struct packet *packet, __u32 overhead,
				__u64 flags, __u8 outer_version)
{
	long err = bpf_skb_adjust_room(skb, overhead, BPF_ADJ_ROOM_MAC, flags);

	if (likely(!err))
		return 0;
	/* A packet that came out of a tunnel may still be marked as in one: the mark cannot be set twice, and only
	 * super-packets and a change of family need it.
	 */
	if (err != -EALREADY || skb->gso_size || packet->version != outer_version)
		return -OUT_ENCAP_FAILED;
	return bpf_skb_adjust_room(skb, overhead, BPF_ADJ_ROOM_MAC, 0) ? -OUT_ENCAP_FAILED : 0;
}

static __always_inline int write_outer(struct __sk_buff *skb, const struct packet *packet,
				       const struct tunnel *tunnel, const struct service *service,
				       __u8 version)
{
	void *data, *end;
	struct ethhdr *eth;

	data = packet_start(skb);
	end = packet_end(skb);
	eth = data;
	if (version == 4) {
		if (data + sizeof(*eth) + sizeof(struct outer_ipv4) > end)
			return -OUT_ENCAP_FAILED;
		write_outer_ipv4(data + sizeof(*eth), tunnel, service, packet);
		eth->h_proto = bpf_htons(ETH_P_IP);
	} else {
		if (data + sizeof(*eth) + sizeof(struct outer_ipv6) > end)
			return -OUT_ENCAP_FAILED;
		write_outer_ipv6(data + sizeof(*eth), tunnel, service, packet);
		eth->h_proto = bpf_htons(ETH_P_IPV6);
	}
	return 0;
}

/* Look up, check size, grow, write. Returns OUT_ENCAPSULATED or a negative reason. */
static __always_inline int encapsulate(struct __sk_buff *skb, struct run *run,
				       const struct service *service)
{
	struct packet *packet = &run->packet;
	struct traffic_key key = {
		.tunnel = service->tunnel, .sid = service->sid, .queue = QUEUE_TX};
	struct tunnel *tunnel;
	__u32 overhead;
	__u64 flags;
	__u8 version;
	int err;

	snapshot(skb, run);
	/* Also where it is dropped below: its later fragments must not leave in the clear. */
	remember_fragment(packet, QUEUE_TX);
	tunnel = find_tunnel(key.tunnel);
	if (!tunnel)
		return -OUT_NO_TUNNEL;
	if (!tunnel->remote_port || is_unspecified(&tunnel->remote))
		return -OUT_NO_REMOTE;
	version = is_ipv4(&tunnel->remote) ? 4 : 6;
	if (is_ipv4(&tunnel->local) != (version == 4))
		return -OUT_TUNNEL_FAMILY;
	overhead = outer_size(version);

	err = plan_route(skb, run, tunnel);
	if (err)
		return err;
	if (unlikely(packet->syn))
		clamp_mss(skb, packet->l4, packet->version, run->mtu - overhead);
	if (check_size(skb, packet, overhead, run->mtu, &flags))
		return refuse_size(skb, run, overhead);
	err = grow(skb, packet, overhead, flags, version);
	if (err)
		return err;
	err = write_outer(skb, packet, tunnel, service, version);
	if (err)
		return err;
	count_traffic(&key, packet->len);
	return OUT_ENCAPSULATED;
}

/* A node's reply that goes straight to the client: what the client sends next comes by the tunnel, so it must hear of
 * the tunnel's MSS.
 */
static __always_inline void clamp_direct(struct __sk_buff *skb, const struct packet *packet)
{
	struct service *service = find_service(&packet->src);
	struct tunnel *tunnel;
	__u32 mtu, overhead;

	if (!service)
		return;
	tunnel = find_tunnel(service->tunnel);
	if (!tunnel)
		return;
	overhead = outer_size(is_ipv4(&tunnel->local) ? 4 : 6);
	mtu = interface_mtu(skb, 0);
	if (mtu > overhead)
		clamp_mss(skb, packet->l4, packet->version, mtu - overhead);
}

/* Returns an outcome or a negative reason. */
static __always_inline int from_proxy(struct __sk_buff *skb, struct run *run)
{
	struct packet *packet = &run->packet;
	struct endpoint *proxy = find_proxy(&packet->src);

	if (!proxy)
		return OUT_NOT_OURS;
	snapshot(skb, run);
	remember_fragment(packet, QUEUE_TX);
	if (unlikely(packet->syn && !(run->config->flags & TX_PROXY)))
		clamp_direct(skb, packet);
	return translate(skb, packet, proxy, SIDE_SRC) ? -OUT_NAT_FAILED : OUT_SNAT;
}

/* Returns an outcome or a negative reason. */
static __always_inline int take_packet(struct __sk_buff *skb, struct run *run)
{
	struct packet *packet = &run->packet;
	__u32 flags = run->config->flags;
	struct service *service;
	int outcome = parse_frame(skb, QUEUE_TX, packet);

	if (outcome)
		return outcome;
	if (!(flags & TX_PROXY) && flags & TX_SNAT) {
		outcome = from_proxy(skb, run);
		if (outcome != OUT_NOT_OURS)
			return outcome;
	}
	service = find_service(flags & TX_PROXY ? &packet->dst : &packet->src);
	if (service)
		return encapsulate(skb, run, service);
	outcome = flags & TX_PROXY && flags & TX_SNAT ? from_proxy(skb, run) : OUT_NOT_OURS;
	if (outcome == OUT_NOT_OURS && flags & TX_FIB && packet->proto == IPPROTO_UDP)
		learn_route(skb, packet);
	return outcome;
}

SEC("tc")
int pfc_egress(struct __sk_buff *skb)
{
	struct run run;
	int outcome, verdict;
	__u64 packets;

	run.config = find_config(skb, QUEUE_TX);
	if (!run.config) {
		count(QUEUE_TX, OUT_NO_CONFIG);
		return TC_ACT_UNSPEC;
	}
	run.event = 0;
	run.redirect = 0;
	run.route = NULL;
	outcome = take_packet(skb, &run);
	if (outcome < 0)
		outcome = -outcome;
	packets = count(QUEUE_TX, outcome);
	if (unlikely(run.event))
		write_event(skb, run.config, run.event, QUEUE_TX, STAGE_AFTER << 16 | outcome);
	if (unlikely(run.redirect))
		return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
	if (outcome != OUT_ENCAPSULATED || !run.route)
		return verdict_of(outcome);
	verdict = follow_route(skb, run.route, !(packets % NEIGHBOUR_REFRESH));
	return verdict < 0 ? TC_ACT_SHOT : verdict;
}

char _license[] SEC("license") = "Dual BSD/GPL";
