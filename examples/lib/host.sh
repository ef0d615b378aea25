#!/usr/bin/env bash
# To be sourced by a walk-through: runs it again in a host of its own, made of a
# network, a mount and a process namespace, which goes with all that is in it
# when the walk-through ends. Gives it a bpffs, the loopback interface, the
# project's commands by name, and step().

set -euo pipefail

if [[ ${SLUICE_HOST:-} != "$0" ]]; then
	if ((EUID != 0)); then
		echo "${0##*/}: needs root" >&2
		exit 4
	fi
	SLUICE_HOST=$0 exec unshare --net --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
fi

root=$(realpath "${BASH_SOURCE[0]%/*}/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mount -t bpf -o mode=0700 bpf /sys/fs/bpf
ip link set lo up

mkdir "$work/bin"
for name in tubectl sk-lookup-attach sockmap-update; do
	ln -s "$root/bin/$name" "$work/bin/$name"
done
PATH=$work/bin:$PATH
USER=${USER:-root}
export PATH USER

# Prints a command as typed at a prompt, then runs it.
step() {
	printf '%s $ %s\n' "${prompt:-}" "$1" | sed 's/^ //'
	eval "$1"
}

# Waits until a command succeeds: for a server to be up.
await() {
	local i
	for ((i = 0; i < 600; i++)); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	echo "${0##*/}: waited in vain for: $*" >&2
	return 1
}

# Ends the walk-through unless two texts are the same.
same() {
	if [[ $2 == "$3" ]]; then return; fi
	printf '%s: %s: expected\n%s\nbut got\n%s\n' "${0##*/}" "$1" "$3" "$2" >&2
	exit 1
}
