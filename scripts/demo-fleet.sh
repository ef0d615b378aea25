#!/usr/bin/env bash
# demo-fleet.sh
#
# Shows a fleet at work: two gateways, a node behind a NAT, a client and a host
# with etcd, all of them network namespaces of this machine. Pushes documents,
# sends a request through, rotates keys and kills etcd while datagrams go
# through. Prints each command as it would be typed and what came back. Makes
# the checkout ready first.
#
# Needs root. Touches nothing outside its own namespaces, and leaves nothing
# behind. Exit code: 0 every step did what it should, 1 one did not, 4 the
# machine cannot.
set -euo pipefail
# shellcheck source=as-root.sh
source "$(dirname -- "$(readlink -f -- "$0")")/as-root.sh"

scripts/bootstrap.sh fleet

directory=$(mktemp -d /tmp/sluice-fleet.XXXXXX)
# Ctrl-C reaches the demo, too, which closes its hosts; we wait for it.
trap 'rm -rf -- "$directory"' EXIT
trap : INT

PATH=$PWD/bin:$PATH \
	node --import=tsx examples/fleet/src/demo.ts "$directory"
