/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Outcomes of packets: each packet has exactly one, and each outcome has a counter.
 * packages/maps/src/tables/stats.ts names them in the same order. Append a new outcome, so that the pinned counters
 * keep their rows, and add it to verdict_of.
 */
#ifndef SLUICE_OUTCOME_H
#define SLUICE_OUTCOME_H

#include <linux/pkt_cls.h>

enum outcome {
	/* Not ours, passed on untouched. */
	OUT_NO_CONFIG = 0, /* no config row for the interface and direction */
	OUT_NOT_IP,
	OUT_NOT_OURS,		   /* no table knows it */
	OUT_MALFORMED,		   /* its headers do not fit: the stack may judge it */
	OUT_PLAIN_GUE,		   /* GUE without our fields */
	OUT_OUTER_FRAGMENT,	   /* a fragment sent to a tunnel's endpoint */
	OUT_FRAGMENT_BEFORE_FIRST, /* a later fragment whose first was not seen */

	/* Done. */
	OUT_DECAPSULATED,
	OUT_ENCAPSULATED,
	OUT_DNAT, /* proxy became backend */
	OUT_SNAT, /* backend became proxy */

	/* Ends here, as it should. */
	OUT_PING,	  /* the tunnel's far end is where it was */
	OUT_PING_LEARNED, /* the tunnel's far end is new */

	/* Dropped. */
	OUT_GUE_VERSION,   /* another GUE version than 0 */
	OUT_GUE_HEADER,	   /* a header that is none of ours, or that is cut */
	OUT_GUE_LENGTH,	   /* the lengths of IP, UDP and GUE disagree */
	OUT_INNER_VERSION, /* the inner packet is not what GUE's protocol field says */
	OUT_INNER_LENGTH,  /* the inner packet does not fit */
	OUT_UNKNOWN_SERVICE,
	OUT_WRONG_KEY,
	OUT_FOREIGN_INNER,  /* neither end of the inner packet is the service's backend */
	OUT_INNER_FRAGMENT, /* an inner later fragment whose first was not seen */
	OUT_CONGESTION_LOST, /* the outer header is marked CE, the inner flow is not ECN-capable: RFC 6040 */
	OUT_MERGED,	     /* several tunnel packets merged into one by UDP GRO */
	OUT_DECAP_FAILED, /* the kernel refused to strip the outer header */
	OUT_PING_TYPE,	  /* a control message that is not a ping of ours */
	OUT_PING_OPEN,	  /* a ping without a key, which open-ping would allow */
	OUT_PING_TUNNEL, /* a ping for a tunnel that is not there, or not its service's, or not here */
	OUT_NO_TUNNEL,	    /* to be encapsulated, but there is no such tunnel */
	OUT_NO_REMOTE,	    /* to be encapsulated, but the far end is not known yet */
	OUT_TUNNEL_FAMILY,  /* one end of the tunnel is IPv4 and the other IPv6 */
	OUT_TOO_BIG,	    /* does not fit: answered by ICMP */
	OUT_TOO_BIG_SILENT, /* does not fit: not answered, by the rate limit or the packet's kind */
	OUT_NO_ROUTE,	    /* no way to the tunnel's far end */
	OUT_ENCAP_FAILED,   /* the kernel refused to make room for the outer header */
	OUT_NAT_FAILED,

	/* Added later, of any kind. */
	OUT_SERVICE_GONE,  /* dropped: half translated, and its service was deleted meanwhile */
	OUT_VLAN,	   /* passed: it belongs to a VLAN, of which this is the parent interface */
	OUT_OTHER_HOST,	   /* passed: a frame for another host, or for many */
	OUT_BAD_CHECKSUM,  /* passed: the stack drops it */
	OUT_INNER_BACKEND, /* dropped: a reply from a tunnel to another service's backend */
	OUT_INNER_LOCAL, /* dropped: a reply from a tunnel to this host, which the flag local would allow */
	OUT_PING_SOURCE, /* dropped: a ping from where no far end can be */
	OUT_PATH_MTU,	 /* passed: a router on a tunnel's path has reported its MTU */
	OUT_PING_SIGNED, /* ends here: a signed ping, the tunnel's far end is where it was */
	OUT_PING_SIGNED_LEARNED, /* ends here: a signed ping with its challenge, the tunnel's far end is new */
	OUT_PING_CHALLENGED, /* ends here: a signed ping from a new address, answered with a challenge */
	OUT_PING_ANSWER, /* passed: the answer to a signed ping of this host's */
	OUT_PING_MAC, /* dropped: a signed ping whose MAC is wrong, or of a service without a signing key */
	OUT_PING_TIME, /* dropped: a signed ping that is too old, too new, or no newer than the last one */
	OUT_PING_UNSIGNED, /* dropped: a ping that is not signed where that is demanded */
	OUT_PING_LOCKED, /* dropped: a ping that would move a far end to where, or when, it may not */
	OUT_TOKEN, /* dropped: a packet without a valid token where the tunnel requires one; or there is no key to make one */

	OUTCOMES,
};

#define OUT_FIRST_DONE OUT_DECAPSULATED
#define OUT_FIRST_ENDED OUT_PING

static __always_inline int verdict_of(enum outcome outcome)
{
	if (outcome < OUT_FIRST_DONE || outcome == OUT_VLAN || outcome == OUT_OTHER_HOST ||
	    outcome == OUT_BAD_CHECKSUM || outcome == OUT_PATH_MTU || outcome == OUT_PING_ANSWER)
		return TC_ACT_UNSPEC;
	return outcome < OUT_FIRST_ENDED ? TC_ACT_OK : TC_ACT_SHOT;
}

#endif
