#!/usr/bin/env bash
# demo.sh
#
# Shows the tunnel at work: a client, a gateway, and a node behind a NAT, all
# of them network namespaces of this machine. Attaches the programs, programs
# the tables, and sends HTTP and UDP requests through. Prints each command as
# it would be typed and what came back. Makes the checkout ready first.
#
# Needs root. Touches nothing outside its own namespaces, and leaves nothing
# behind. Exit code: 0 every step did what it should, 1 one did not, 4 the
# machine cannot.
set -euo pipefail
# shellcheck source=as-root.sh
source "$(dirname -- "$(readlink -f -- "$0")")/as-root.sh"

scripts/bootstrap.sh demo

directory=$(mktemp -d /tmp/sluice-demo.XXXXXX)
# Ctrl-C reaches the demo, too, which closes its hosts; we wait for it.
trap 'rm -rf -- "$directory"' EXIT
trap : INT

PATH=$PWD/bin:$PATH \
	node --import=tsx examples/true-ingress/src/demo.ts "$directory"
