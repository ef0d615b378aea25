// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sending end of a GUE tunnel.
 *
 * Hook      tc egress, direct action
 * Reads     map_config, map_encap, map_tunnel, map_tunnel_opts, map_signing, map_path_mtu, map_nat, the mark
 * Writes    map_frag, map_stats, map_tunnel_stats, map_traffic_owner, map_traffic_slot, map_events, the mark
 * Verdicts  OK        encapsulated or translated: it leaves here
 *           REDIRECT  encapsulated, and goes to another next hop; or too big, and the answer goes up to the stack
 *           SHOT      meant for a tunnel that cannot take it: such a packet never leaves in the clear
 *           UNSPEC    not ours: the next filter decides
 */
#include <linux/errno.h>

#include "lib/icmp_answer.h"
#include "lib/rewrite.h"
#include "tunnel/encap.h"
#include "tunnel/event.h"
#include "tunnel/gue.h"
#include "tunnel/lookup.h"
#include "tunnel/mark.h"
#include "tunnel/mss.h"
#include "tunnel/parse.h"
#include "tunnel/path.h"
#include "tunnel/split.h"
#include "tunnel/stats.h"

/* What one run knows. */
struct run {
	struct packet packet;
	struct path *path; /* of an encapsulated packet */
	struct config *config;
	__u64 event;  /* id of the snapshot taken before the action; 0: none */
	int redirect; /* the packet is now the answer to its sender, and goes up the stack */
	enum mark mark;
};

static __always_inline void snapshot(struct __sk_buff *skb, struct run *run)
{
	if (likely(!(run->config->flags & TX_DUMP)))
		return;
	run->event = new_event();
	write_event(skb, run->config, run->event, QUEUE_TX, STAGE_BEFORE << 16);
}

/* Turns the packet into the answer to its sender, which main redirects to ingress. Returns a negative reason. */
static __always_inline int refuse_size(struct __sk_buff *skb, struct run *run, __u32 overhead)
{
	__u32 mtu = run->path->route.mtu > overhead ? run->path->route.mtu - overhead : 0;

	if (icmp_answer(skb, &run->packet, ANSWER_TOO_BIG, mtu))
		return -OUT_TOO_BIG_SILENT;
	run->redirect = 1;
	return -OUT_TOO_BIG;
}

/* Look up, check size, grow, write. Returns OUT_ENCAPSULATED or a negative reason. */
static __always_inline int encapsulate(struct __sk_buff *skb, struct run *run,
				       const struct cached_service *service)
{
	struct packet *packet = &run->packet;
	struct traffic_key key = {
		.tunnel = service->tunnel, .sid = service->sid, .queue = QUEUE_TX};
	struct path *path;
	__u32 overhead;
	__u64 flags;
	__u8 version;
	int err, size;

	snapshot(skb, run);
	/* Also where it is dropped below: its later fragments must not leave in the clear. */
	remember_fragment(packet, QUEUE_TX);
	path = find_path(skb, key.tunnel, skb->ifindex, run->config->flags & TX_FIB, &err);
	if (!path)
		return err;
	run->path = path;
	version = is_ipv4(&path->tunnel.remote) ? 4 : 6;
	overhead = outer_size(version);
	if (unlikely(packet->syn))
		clamp_mss(skb, packet->l4, packet->version, path->route.mtu - overhead);
	if (check_size(skb, packet, overhead, path->route.mtu, &flags)) {
		if (!may_split(skb, packet, path->route.mtu - overhead))
			return refuse_size(skb, run, overhead);
		size = run->mark == MARK_HEAD
			       ? cut_head(skb, path->route.mtu - overhead)
			       : split_in_tunnel(skb, packet, path->route.mtu - overhead);
		if (size < 0)
			return -OUT_TOO_BIG_SILENT;
		packet->len = size;
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	}
	err = grow(skb, packet, overhead, flags, version);
	if (err)
		return err;
	err = write_outer(skb, packet, path, service, version, &packet->dst);
	if (err)
		return err;
	count_traffic(&key, packet->len);
	return OUT_ENCAPSULATED;
}

/* Bytes that a tunnel adds to a packet; 0: there is no such tunnel. */
SUBPROGRAM int added_by(__u32 tunnel)
{
	struct address local;

	return READ_ROW(&map_tunnel, &tunnel, row, COPY(&local, &row->local))
		       ? outer_size(is_ipv4(&local) ? 4 : 6)
		       : 0;
}

/* A node's reply directly to the client: the client's next packets come through the tunnel, so the client must
 * learn the tunnel's MSS.
 */
static __always_inline void clamp_direct(struct __sk_buff *skb, const struct packet *packet,
					 const struct cached_service *service)
{
	__u32 overhead = added_by(service->tunnel), mtu;

	if (!overhead)
		return;
	mtu = interface_mtu(skb, 0);
	if (mtu > overhead)
		clamp_mss(skb, packet->l4, packet->version, mtu - overhead);
}

/* Returns an outcome or a negative reason. */
static __always_inline int from_proxy(struct __sk_buff *skb, struct run *run,
				      const struct cached_service *service)
{
	struct packet *packet = &run->packet;

	if (!service || !service->has_proxy)
		return OUT_NOT_OURS;
	snapshot(skb, run);
	remember_fragment(packet, QUEUE_TX);
	if (unlikely(packet->syn && !(run->config->flags & TX_PROXY)))
		clamp_direct(skb, packet, service);
	return translate(skb, packet, &service->proxy, SIDE_SRC) < 0 ? -OUT_NAT_FAILED : OUT_SNAT;
}

/* Returns an outcome or a negative reason. */
static __always_inline int take_packet(struct __sk_buff *skb, struct run *run)
{
	struct packet *packet = &run->packet;
	__u32 flags = run->config->flags;
	struct cached_service *service;
	int outcome = parse_frame(skb, QUEUE_TX, packet);

	if (outcome)
		return outcome;
	service = find_by_backend(flags & TX_PROXY ? &packet->dst : &packet->src);
	if (!(flags & TX_PROXY) && flags & TX_SNAT && service && service->has_proxy)
		return from_proxy(skb, run, service);
	if (service)
		return encapsulate(skb, run, service);
	if (!(flags & TX_PROXY) || !(flags & TX_SNAT))
		return OUT_NOT_OURS;
	return from_proxy(skb, run, find_by_backend(&packet->src));
}

/* Whether a packet that no service takes must not leave as it is: the other hook has done its half of the work. */
static __always_inline int is_half_done(const struct run *run)
{
	__u32 reply_flags = TX_PROXY | TX_SNAT;

	if (likely(run->mark == MARK_NONE))
		return 0;
	return run->mark == MARK_REQUEST || run->mark == MARK_HEAD ||
	       (run->config && (run->config->flags & reply_flags) == reply_flags);
}

SEC("tc")
int pfc_egress(struct __sk_buff *skb)
{
	struct run run;
	int outcome;

	run.mark = take_mark(skb);
	if (run.mark == MARK_DONE)
		return TC_ACT_UNSPEC;
	run.config = find_config(skb->ifindex, QUEUE_TX);
	run.event = 0;
	run.redirect = 0;
	run.path = NULL;
	outcome = run.config ? take_packet(skb, &run) : OUT_NO_CONFIG;
	if (outcome < 0)
		outcome = -outcome;
	if (verdict_of(outcome) == TC_ACT_UNSPEC && is_half_done(&run))
		outcome = OUT_SERVICE_GONE;
	count(QUEUE_TX, outcome);
	if (unlikely(verdict_of(outcome) == TC_ACT_SHOT && !run.redirect))
		mark_dropped(skb, QUEUE_TX, outcome);
	if (unlikely(run.event))
		write_event(skb, run.config, run.event, QUEUE_TX, STAGE_AFTER << 16 | outcome);
	if (unlikely(run.redirect))
		return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
	if (outcome != OUT_ENCAPSULATED || !run.path)
		return verdict_of(outcome);
	return follow_path(skb, run.path);
}

char _license[] SEC("license") = "Dual BSD/GPL";
