#!/usr/bin/env bash
# reattach_tc.sh [<interface>] [ingress|egress] [--drop-live]
# reattach_tc.sh --migrate [--entries N]
#
# Puts new programs in the place of the attached ones, in one step: no packet
# passes without a program, and the tables stay, learned remotes included. If
# the new objects' tables do not match the pinned ones it says which and
# changes nothing. Where none is attached, it attaches.
#
#   --migrate    when tables changed: on every interface, with new tables that
#                have the entries of the old ones. No packet, counter or
#                learned remote is lost. A run that is killed changes nothing,
#                or everything.
#   --entries N  with room for N tunnels and services, instead of what there is
#   --drop-live  where the attached programs use other tables than the pinned
#                ones: go on with the pinned ones
#
# Interface, direction, environment and exit codes as for attach_tc.sh.
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"
# shellcheck source=attaching.sh
source "$SCRIPTS/attaching.sh"

# As the kernel and cli_tables take it.
readonly MOST_ENTRIES=2147483647

# objects_of HOOK…: prints the objects for these hooks, a line each: both
# directions of each link layer.
objects_of() {
	local hook suffixes suffix direction
	suffixes=$(for hook in "$@"; do
		object_suffix "${hook%% *}"
		echo
	done | sort -u) || return
	while IFS= read -r suffix; do
		for direction in ingress egress; do
			object_file "$direction" "$suffix"
		done
	done <<<"$suffixes"
}

migrate() {
	local hooks hook output options=() ids objects lines=()
	local device direction pref handle id name
	need_bpffs
	lock_tables
	read_tcx
	finish_killed
	mapfile -t hooks < <(our_hooks)
	((${#hooks[@]})) || die "$EXIT_NONE" 'nothing of ours is attached; attach_tc.sh attaches'
	output=$(objects_of "${hooks[@]}")
	mapfile -t objects <<<"$output"
	mapfile -t ids < <(printf '%s\n' "${hooks[@]}" | awk '{ print $7 }' | sort -u)
	options=(--replace "$(IFS=, && printf '%s' "${ids[*]}")")
	[[ -z ${OPTION["--entries"]:-} ]] || options+=(--entries "${OPTION["--entries"]}")
	tables adopt "${ids[@]}" >/dev/null
	let_lo_forward
	output=$(tables prepare "${objects[@]}" "${options[@]}")
	ignore_signals
	switch_programs "${hooks[@]}"
	read_tcx
	mapfile -t hooks < <(our_hooks)
	for hook in "${hooks[@]}"; do
		read -r device direction pref _ _ handle id name <<<"$hook"
		lines+=("$device $direction: $name migrated (program $id, $(place "$pref" "$handle"))")
	done
	report migrated "$output" "${lines[@]}"
}

parse_arguments '--drop-live --migrate --entries=' "$@"
need_root
if [[ -n ${OPTION["--entries"]:-} && -z ${OPTION["--migrate"]:-} ]]; then
	usage_error '--entries needs --migrate'
fi
entries=${OPTION["--entries"]:-1}
if [[ ! $entries =~ ^[1-9][0-9]{0,9}$ ]] || ((entries > MOST_ENTRIES)); then
	usage_error "--entries must be an integer from 1 to $MOST_ENTRIES, got \"$entries\""
fi
if [[ -n ${OPTION["--migrate"]:-} ]]; then
	[[ -z $INTERFACE && ${#DIRECTIONS[@]} == 2 ]] || usage_error '--migrate is for every interface; name none'
	migrate
else
	need_interface
	attach reattached
fi
