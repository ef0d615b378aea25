#!/usr/bin/env bash
# Holds a host's namespaces; run by `unshare --net --mount`.
#
# Lives until its standard input ends. The kernel closes that however the
# owner goes, kill -9 included, so a host never outlives its test. Whatever
# still runs in the host then is killed, and the namespaces go with the last
# process.
set -euo pipefail
# Ctrl-C reaches the whole process group: the owner decides when we go.
trap '' INT TERM HUP

mount -t bpf -o mode=0755 bpf /sys/fs/bpf
ip link set lo up
for scope in all default; do
	echo 0 >"/proc/sys/net/ipv6/conf/$scope/disable_ipv6"
	echo 0 >"/proc/sys/net/ipv6/conf/$scope/accept_dad"
	echo 0 >"/proc/sys/net/ipv4/conf/$scope/rp_filter"
done

echo ready
while read -r _; do :; done

# Again until none is found: one of them may be forking while we look.
found=1
while ((found)); do
	found=0
	for process in /proc/[0-9]*; do
		pid=${process#/proc/}
		[[ $pid == "$$" ]] && continue
		# A zombie has no namespaces, so what is found is alive.
		[[ $process/ns/net -ef /proc/self/ns/net ]] || continue
		kill -KILL "$pid" 2>/dev/null && found=1
	done
done
