/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keys, values and maps of the tunnel programs: the one source of truth for
 * their layouts. packages/maps/src/tables/ mirrors them; a test compares the
 * two field by field.
 *
 * Addresses and ports are in network byte order, ids and flags in host order.
 * No struct has a byte that is not named: keys are compared whole.
 *
 * A map that the commands read or write is pinned, and its name begins with
 * map_. All others are private to one attached program: caches, a rate limit
 * and buffers, which may change with each release.
 */
#ifndef SLUICE_TABLES_H
#define SLUICE_TABLES_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "lib/address.h"
#include "lib/map.h"

/* Tunnels and services that fit; `make TABLE_ENTRIES=n` changes it. */
#ifndef TABLE_ENTRIES
#define TABLE_ENTRIES 262144
#endif

/* Capacity of map_config: two rows for each of this many interfaces. */
#define CONFIG_ENTRIES 4096

#define KEY_SIZE 16
#define NAME_SIZE 32

enum queue {
	QUEUE_RX = 0, /* ingress */
	QUEUE_TX = 1, /* egress */
};

enum rx_flag {
	RX_GUE = 1, /* accepted for compatibility: decapsulation is always on */
	RX_DNAT = 2,
	RX_DUMP = 8,
	RX_OPEN_PING = 32,
	RX_FAST = 64,	/* both hooks' work in one run, past the stack: tunnel/fast.h */
	RX_LOCAL = 128, /* replies from a tunnel may be to this host itself */
	RX_PEER = 256,	/* backends in containers get their packets past the stack: tunnel/peer.h */
};

enum tx_flag {
	TX_PROXY = 1,
	TX_SNAT = 2,
	TX_DUMP = 8,
	TX_FIB = 16,
	TX_PEER = 32, /* of a veth's own row: its peer may be given packets */
};

struct config_key {
	__u32 ifindex; /* 0: every interface without a row of its own */
	__u32 queue;
};

struct config {
	__u32 id;
	__u32 flags;
	char name[NAME_SIZE]; /* zero padded, always zero ended */
};

struct tunnel {
	struct address local;
	struct address remote; /* :: until the far end is known */
	__be16 local_port;
	__be16 remote_port;
	__u32 pad;
	__u64 last_ping; /* ns since boot (CLOCK_BOOTTIME); 0: never */
};

/* Aligned, so that it is copied as one word: keys are hashed by words. */
struct sid {
	_Alignas(4) __u16 service;
	__u16 group;
};

/* Value of map_encap. */
struct service {
	__u32 tunnel;
	struct sid sid;
	__u8 key[KEY_SIZE];
};

/* Value of map_verify. */
struct verify {
	__u8 key[KEY_SIZE];
	__u32 tunnel;
	struct endpoint proxy;
	struct endpoint backend;
};

/* One of the two keys of a service in rotation. */
struct accepted_key {
	__u8 key[KEY_SIZE];
	__u8 signing[KEY_SIZE]; /* the signing key that goes with it; zero: none */
	__u64 packets;	   /* that came with it while the service's own key was the other one */
	__u64 last_packet; /* ns since boot (CLOCK_BOOTTIME) of the last of these; 0: none */
};

/* Value of map_rotation. The service's own key, in map_verify and map_encap, is one of the two. */
struct rotation {
	struct accepted_key old;
	struct accepted_key next;
};

enum signing_flag {
	SIGNING_REQUIRED = 1, /* counted in map_signed_only, which the program reads */
};

/* Value of map_signing. */
struct signing {
	__u8 key[KEY_SIZE];	  /* never travels */
	__u8 challenge[KEY_SIZE]; /* this host's own secret, under which it makes its challenges */
	__u32 flags;
};

/* Value of map_ping_time: the last signed ping of a tunnel. */
struct ping_time {
	__u64 time; /* by the sender's clock, ns (CLOCK_TAI) */
};

/* Token mode of a tunnel: two bits of its options' flags. */
enum token_mode {
	TOKEN_OFF = 0,	   /* packets carry their service's key */
	TOKEN_ACCEPT = 1,  /* a token is taken, too; the key is sent */
	TOKEN_SEND = 2,	   /* a token is sent; the key is taken, too */
	TOKEN_REQUIRE = 3, /* nothing but tokens */
};

#define TOKEN_SHIFT 8
#define TOKEN_MODE(flags) ((flags) >> TOKEN_SHIFT & 3)

/* The other bits. */
enum tunnel_flag {
	TUNNEL_FLOW_PORT = 1, /* a source port for each flow: tunnel/flow.h */
};

#define MOVE_NEVER 0xffffffff

/* Value of map_tunnel_opts. */
struct tunnel_options {
	struct address within; /* where a ping may move the far end to: a prefix */
	__u32 within_bits;     /* its length, of 128; an IPv4 /24 is 96 + 24 */
	__u32 move_after; /* seconds without a ping before one that is not signed may move the far end; or MOVE_NEVER */
	__u32 flags;
};

/* One row a tunnel, service and direction; a tunnel's traffic is the sum of
 * its rows, a service's likewise.
 */
struct traffic_key {
	__u32 tunnel;
	struct sid sid;
	__u32 queue;
};

struct traffic {
	__u64 packets;
	__u64 bytes; /* of the inner packet, from its IP header on */
};

MAP(map_config, HASH, struct config_key, struct config, CONFIG_ENTRIES, NO_PREALLOC PINNED);

MAP(map_tunnel, HASH, __u32, struct tunnel, TABLE_ENTRIES, NO_PREALLOC PINNED);

/* Local endpoint → how many tunnels have it. */
MAP(map_decap, HASH, struct endpoint, __u32, TABLE_ENTRIES, NO_PREALLOC PINNED);

/* What cli_apply has applied last: one row, written after all others. Gone
 * with the tables, so it never speaks of what is not there. No packet program
 * reads it.
 */
struct applied {
	__u64 generation;  /* 0: nothing was applied */
	__u64 time;	   /* seconds since 1970 */
	__u8 salt[16];	   /* of the digests below */
	__u8 file[32];	   /* SHA-256 of the file */
	__u8 document[32]; /* digest of what the document says */
	__u8 state[16];	   /* digest of the rows, without remotes */
	__u8 rows[16];	   /* digest of the rows with them */
	char owner[64];	   /* the document's name */
	char only[64];	   /* the part of the tables that it owns; empty: all */
};

MAP(map_applied, ARRAY, __u32, struct applied, 1, PINNED);

/* Backend endpoint → service, for encapsulation at egress. */
MAP(map_encap, HASH, struct endpoint, struct service, TABLE_ENTRIES, NO_PREALLOC PINNED);

MAP(map_verify, HASH, struct sid, struct verify, TABLE_ENTRIES, NO_PREALLOC PINNED);

/* Both keys of a service while they are rotated. Read only for a packet with another key than the service's own. */
MAP(map_rotation, HASH, struct sid, struct rotation, TABLE_ENTRIES, NO_PREALLOC PINNED);

/* Services with signed pings. */
MAP(map_signing, HASH, struct sid, struct signing, TABLE_ENTRIES, NO_PREALLOC PINNED);

/* Tunnel → its last signed ping, which no earlier one may follow. Written by ingress alone, for tunnels that exist. */
MAP(map_ping_time, HASH, __u32, struct ping_time, TABLE_ENTRIES, NO_PREALLOC PINNED);

/* Tunnel → how many of its services require signed pings. No row: none, so any ping is taken. */
MAP(map_signed_only, HASH, __u32, __u32, TABLE_ENTRIES, NO_PREALLOC PINNED);

/* Tunnels with options. No row: the far end may move anywhere at any time. */
MAP(map_tunnel_opts, HASH, __u32, struct tunnel_options, TABLE_ENTRIES, NO_PREALLOC PINNED);

/* Proxy → backend and backend → proxy: two rows a service. */
MAP(map_nat, HASH, struct endpoint, struct endpoint, 2 * TABLE_ENTRIES, NO_PREALLOC PINNED);

MAP(map_tunnel_stats, PERCPU_HASH, struct traffic_key, struct traffic, 2 * TABLE_ENTRIES,
    NO_PREALLOC PINNED);

#endif
