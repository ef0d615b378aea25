/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The first word of a GUE header, in host byte order. */
#ifndef SLUICE_GUE_WORD_H
#define SLUICE_GUE_WORD_H

#define GUE_VERSION(word) ((word) >> 30)
#define GUE_CONTROL(word) ((word) >> 29 & 1)
#define GUE_HLEN(word) ((word) >> 24 & 0x1f)
#define GUE_PROTO(word) ((word) >> 16 & 0xff) /* or control type */
#define GUE_FLAGS(word) ((word)&0xffff)

#define GUE_FLAGS_OURS 0xa000 /* G, and SEC = 2 */
#define GUE_DATA_HLEN 5
#define GUE_PING 1 /* control type */
#define GUE_DATA_IPV4 0x0504a000
#define GUE_DATA_IPV6 0x0529a000

#endif
