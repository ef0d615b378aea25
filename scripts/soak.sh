#!/usr/bin/env bash
# soak.sh [--seconds N] [--seed N] [--every N] [--rate N]
#
# Random upgrades, migrations, restarts, kills, interface flaps and lost pins,
# of the tunnels, udplb and tubectl, under traffic, for an hour (3600 s) or for
# N seconds, between hosts made of namespaces. Prints a line for each step, and
# at the end what was sent and answered, what left in the clear, and the growth
# of memory. A seed repeats a run's steps. A step begins when the one before has
# ended, with --every N at the earliest N seconds after it began; --rate is that
# of the messages over TCP, and of those over UDP, a second (1000). Other work on
# the machine shows as full buffers, which are counted apart.
#
# Exit code: 0 nothing was lost and no memory grew, 1 something was or did, 2
# bad usage.
set -euo pipefail
cd "$(dirname -- "$(readlink -f -- "$0")")/.."
case ${1:-} in
-h | --help)
	sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "scripts/soak.sh"
	exit 0
	;;
esac
scripts/bootstrap.sh test
cd tests
exec node --import=tsx soak/main.ts "$@"
