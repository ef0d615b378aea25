#!/usr/bin/env bash
# attach_tc.sh [<interface>] [ingress|egress] [--tcx] [--drop-live]
#
# Attaches the tunnel programs to an interface: the one of the default route
# where none is named, both directions where none is named. Mounts the bpffs
# and adds clsact where they are not there. Attaching again puts the new
# program in the old one's place; what else is on the hook stays as it is.
# Egress is attached first: both hooks are, or none. Where programs are attached
# and their tables are not pinned any more, these are pinned again.
#
#   --tcx        not as a filter, but by tcx (kernel 6.6), which takes less time
#                for each packet. Such a program runs before every filter, and
#                reattach_tc.sh leaves it so; attaching without --tcx makes it a
#                filter again
#   --drop-live  where the attached programs use other tables than the pinned
#                ones: go on with the pinned ones
#
# Environment
#   SLUICE_BPF_DIR  directory of pfc_ingress_tc.o and pfc_egress_tc.o, and
#                   of pfc_ingress_l3_tc.o and pfc_egress_l3_tc.o, which are
#                   for interfaces without Ethernet (tun, WireGuard, PPP)
#   SLUICE_TC_PREF  preference of our filter (7717); the lowest runs first
#   TC_BPF_MNT      bpffs, as for tc (/sys/fs/bpf)
#
# Exit code: 0 done, 1 failed, 2 bad usage, 3 no such interface, 4 the
# environment cannot (not root, no bpffs, no objects).
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
# shellcheck source=attaching.sh
source "$SCRIPTS/attaching.sh"

parse_arguments '--tcx --drop-live' "$@"
need_root
need_interface
attach attached
