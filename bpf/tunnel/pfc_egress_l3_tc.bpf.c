// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* pfc_egress for devices without a link-layer header: tun, WireGuard, PPP, IP in IP. attach_tc.sh chooses it by the
 * device's type.
 */
#define LINK_HLEN 0

#include "tunnel/pfc_egress_tc.bpf.c"
