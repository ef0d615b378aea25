/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Marks of a packet in skb->tc_index, from one hook for the next.
 *
 * Both hooks look services up by themselves, and a service may be deleted between the two lookups. The mark keeps such
 * a packet from leaving half done: translated and not encapsulated, or as a reply with the backend's own address.
 * A mark may come in from another network namespace over veth, so ingress clears it first.
 */
#ifndef SLUICE_MARK_H
#define SLUICE_MARK_H

#include <linux/bpf.h>

#include "tunnel/outcome.h"
#include "tunnel/tables.h"

#define MARK_MASK 0xfff0

enum mark {
	MARK_NONE = 0,
	MARK_REQUEST = 0x7710, /* translated from proxy to backend: must be encapsulated */
	MARK_REPLY =
		0x7711, /* decapsulated, from the backend: must be translated where replies are */
	MARK_HEAD =
		0x7713, /* a clone, to be cut down to the packet's first fragment and encapsulated */
	MARK_DONE = 0x7712, /* encapsulated or translated and on its way: egress lets it pass */
};

/* TC_ACT_OK sets tc_index from the class id, TC_ACT_REDIRECT leaves it as it is. */
static __always_inline void set_mark(struct __sk_buff *skb, enum mark mark)
{
	skb->tc_index = mark;
	skb->tc_classid = mark;
}

/* A packet that ends here carries its direction and outcome to where the kernel frees it, for cli_monitor. */
#define MARK_DROPPED 0x7780
#define MARK_DROPPED_EGRESS 0x40
#define MARK_DROPPED_OUTCOME 0x3f
#define MARK_DROPPED_MASK 0xff80

static __always_inline void mark_dropped(struct __sk_buff *skb, enum queue queue,
					 enum outcome outcome)
{
	skb->tc_index = MARK_DROPPED + (queue == QUEUE_TX ? MARK_DROPPED_EGRESS : 0) + outcome;
}

/* Takes the mark off the packet. */
static __always_inline enum mark take_mark(struct __sk_buff *skb)
{
	__u32 mark = skb->tc_index;

	/* Of a filter it is 0. By tcx it is what the packet's last hook left there, perhaps in another namespace, and
	 * TC_ACT_OK would make a mark of that.
	 */
	skb->tc_classid = 0;
	if ((mark & MARK_MASK) != MARK_REQUEST)
		return MARK_NONE;
	skb->tc_index = MARK_NONE;
	return mark;
}

#endif
