#!/usr/bin/env bash
# reattach_tc.sh [<interface>] [ingress|egress]
#
# Puts new programs in the place of the attached ones, in one step: no packet
# passes without a program, and the tables stay, learned remotes included. If
# the new objects' tables do not match the pinned ones it says which and
# changes nothing. Where none is attached, it attaches.
#
# Interface, direction, environment and exit codes as for attach_tc.sh.
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

parse_arguments '' "$@"
need_root
need_interface
attach reattached
