#!/usr/bin/env bash
# code-cache.sh <dist/program.cjs> [<command line>…]
#
# Writes V8's code cache beside a program (code-cache.cjs), with what these
# command lines compile. They run one after another in a network and a mount
# namespace, on a bpffs that has the tables of the tunnel programs. Where the
# kernel does not permit that, the cache has what is compiled without tables.
#
# Exit code: 0 written.
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
here=$(dirname -- "$(readlink -f -- "$0")")
program=$1
shift

# In the namespaces.
run_lines() {
	local direction line words
	mount -t bpf bpf /sys/fs/bpf
	tc qdisc add dev lo clsact
	for direction in ingress egress; do
		tc filter add dev lo "$direction" bpf direct-action \
			object-file "$here/../../bpf/dist/pfc_${direction}_tc.o" section tc
	done
	for line in "$@"; do
		read -ra words <<<"$line"
		node "$here/code-cache.cjs" "$program" /sys/fs/bpf "${words[@]}"
	done
}

if [[ -n ${SLUICE_CODE_CACHE:-} ]]; then
	run_lines "$@"
elif (($# == 0)) || ! SLUICE_CODE_CACHE=1 unshare --net --mount "$0" "$program" "$@" >/dev/null 2>&1; then
	node "$here/code-cache.cjs" "$program" >/dev/null 2>&1
fi
