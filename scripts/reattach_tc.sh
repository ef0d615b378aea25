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

# Every hook that has one of our programs, a line each: interface, direction
# and what bpf_filters prints. Egress first, as when attaching.
our_hooks() {
	local direction device
	for direction in egress ingress; do
		while IFS= read -r device; do
			our_filters "$direction" "$device" | sed "s/^/$device $direction /"
		done < <(all_devices)
	done
}

# replace_filter SOURCE DEVICE DIRECTION PREF PROTOCOL CHAIN HANDLE: swaps the
# program of a filter for the one pinned at SOURCE.
replace_filter() {
	tc filter replace dev "$2" "$3" chain "$6" pref "$4" handle "$7" \
		protocol "$5" bpf direct-action object-pinned "$1"
}

migrate() {
	local ingress egress hooks hook undone done=() output options=() ids
	ingress=$(object_file ingress)
	egress=$(object_file egress)
	need_bpffs
	lock_tables
	mapfile -t hooks < <(our_hooks)
	((${#hooks[@]})) || die "$EXIT_NONE" 'nothing of ours is attached; attach_tc.sh attaches'
	for hook in "${hooks[@]}"; do
		[[ -z $(object_suffix "${hook%% *}") ]] ||
			die "$EXIT_FAILED" "${hook%% *} has no Ethernet header, and --migrate has no programs for it; detach_tc.sh ${hook%% *} first, and attach again afterwards"
	done
	mapfile -t ids < <(printf '%s\n' "${hooks[@]}" | awk '{ print $7 }' | sort -u)
	[[ -z ${OPTION["--entries"]:-} ]] || options=(--entries "${OPTION["--entries"]}")
	tables adopt "${ids[@]}" >/dev/null
	let_lo_forward
	output=$(tables prepare "$ingress" "$egress" "${ids[@]}" "${options[@]}")
	# From here on: all hooks or none. A kill leaves the pinned tables as they
	# were, and the next run removes what was prepared.
	trap '' HUP INT PIPE TERM
	for hook in "${hooks[@]}"; do
		# shellcheck disable=SC2086 # words
		if ! replace_filter "${PINS}_new/$(program_name "$(cut -d ' ' -f 2 <<<"$hook")")" $hook; then
			for undone in "${done[@]}"; do
				# shellcheck disable=SC2086 # words
				replace_filter "${PINS}_new/old_$(cut -d ' ' -f 7 <<<"$undone")" $undone || true
			done
			die "$EXIT_FAILED" "replace the program on $hook: tc failed; the old programs are back"
		fi
		done+=("$hook")
	done
	tables exchange >/dev/null
	report migrated "$output" "${hooks[@]/%/: migrated}"
}

parse_arguments '--drop-live --migrate --entries=' "$@"
need_root
if [[ -n ${OPTION["--entries"]:-} && -z ${OPTION["--migrate"]:-} ]]; then
	usage_error '--entries needs --migrate'
fi
if [[ -n ${OPTION["--migrate"]:-} ]]; then
	[[ -z $INTERFACE && ${#DIRECTIONS[@]} == 2 ]] || usage_error '--migrate is for every interface; name none'
	migrate
else
	need_interface
	attach reattached
fi
