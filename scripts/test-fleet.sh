#!/usr/bin/env bash
# test-fleet.sh [--soak SECONDS [SEED]]
#
# Tests the fleet against etcd: what the gate runs of it, then the faults that
# take longer. Members are killed, frozen, cut off for a minute; the database
# is full, and restored from a backup; certificates expire; agents are killed
# at each of their writes; all of it once more while datagrams go through a
# tunnel, clocks that jump among it where Debian's faketime is there. About six
# minutes. Makes the checkout ready first.
#
# With --soak, in its place: ten machines, three members of etcd, ten changes a
# second and a fault every few seconds for so long, among them clocks that jump
# where Debian's faketime is there. In the end, all machines are compared with
# the store. The seed makes the same faults again.
#
# Needs root. Touches nothing outside its own namespaces, and leaves nothing
# behind. Exit code: 0 all passed, 1 a test failed, 4 the machine cannot.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
export PATH=${SLUICE_NODE:+$SLUICE_NODE:}$PWD/scripts/node/node_modules/.bin:/usr/sbin:/sbin:$PATH

case ${1:-} in
-h | --help)
	sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' scripts/test-fleet.sh
	exit 0
	;;
esac

if (($# > 0)) && ! { [[ $1 == --soak && $# -le 3 ]] && [[ ${2:-} =~ ^[1-9][0-9]*$ ]]; }; then
	printf 'test-fleet.sh: usage: test-fleet.sh [--soak SECONDS [SEED]]\n' >&2
	exit 2
fi

if ((EUID != 0)); then
	printf 'test-fleet.sh: not permitted; run as root\n' >&2
	exit 4
fi

scripts/bootstrap.sh test
export REQUIRE_BPF=1
if (($# > 0)); then
	cd packages/cli-fleet
	exec node --import=tsx probes/soak.ts "${@:2}"
fi
npm test --workspace @sluice/cli-fleet
npm run faults --workspace @sluice/cli-fleet

directory=$(mktemp -d /tmp/sluice-fleet.XXXXXX)
trap 'rm -rf -- "$directory"' EXIT
PATH=$PWD/bin:$PATH node --import=tsx examples/fleet/src/faults.ts "$directory"
