#!/usr/bin/env bash
# bench.sh [tunnel|cli|bulk|sk-lookup|udplb|fleet]…
#
# Measures Sluice beside the kernel's own ways and prints the tables: all
# parts where none is named, about twenty minutes. Makes the checkout ready
# first. The figures also go to bench/results/<date>.json. Asserts nothing.
#
# Environment
#   ROUNDS        how often each figure is taken (5)
#   SECONDS_EACH  how long one stream or flood lasts (1)
#
# Needs root. Exit code: 0 measured, 1 something could not be run, 2 no such
# part, 4 not root.
set -euo pipefail
# shellcheck source=as-root.sh
source "$(dirname -- "$(readlink -f -- "$0")")/as-root.sh"

scripts/bootstrap.sh bench
# A certificate store to read costs each start of Node.js more than a command.
unset NODE_EXTRA_CA_CERTS
cd bench
exec node --import=tsx src/main.ts "$@"
