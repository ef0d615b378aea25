#!/usr/bin/env bash
# check.sh [<interface>]
#
# Attaches and detaches the tunnel programs once and shows what is attached in
# between: does this kernel take them? Without an interface it does so on the
# default interface of a network namespace that is gone afterwards, so nothing
# of this machine is touched.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "$0")")

if (($# == 0)); then
	# shellcheck disable=SC2016 # meant for the inner shell
	exec unshare --net --mount bash -ec '
		ip link add primary type veth peer name other
		ip address add 192.0.2.1/24 dev primary
		ip link set primary up
		ip link set other up
		ip route add default via 192.0.2.2
		mount -t bpf bpf /sys/fs/bpf
		exec "$1" ""
	' check.sh "$here/check.sh"
fi

interface=()
[[ -z $1 ]] || interface=("$1")
"$here/attach_tc.sh" "${interface[@]}"
"$here/show_tc.sh" "${interface[@]}"
"$here/detach_tc.sh" "${interface[@]}"
