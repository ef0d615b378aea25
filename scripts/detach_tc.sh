#!/usr/bin/env bash
# detach_tc.sh [<interface>] [ingress|egress] [--purge] [--if-exists]
#
# Removes our programs from an interface: the one of the default route where
# none is named, both directions where none is named. Other filters, clsact
# and the bpffs stay. So do the tables, for the next attach.
#
#   --purge      removes the tables, too, with all that was programmed
#   --if-exists  nothing attached is not an error
#
# Environment
#   SLUICE_BPF_DIR  directory of the objects, whose tables --purge removes
#   TC_BPF_MNT      bpffs, as for tc (/sys/fs/bpf)
#
# Exit code: 0 done, 1 failed, 2 bad usage, 3 no such interface or nothing of
# ours attached, 4 the environment cannot (not root, no objects).
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

LINES=()

# Removes our programs from a hook, with a line for each in LINES. Fails where
# there is none.
detach() {
	local direction=$1 removed pref handle id name
	removed=$(remove_ours "$direction") || exit
	[[ -n $removed ]] || return 1
	while read -r pref _ _ handle id name; do
		LINES+=("$INTERFACE $direction: $name detached (program $id, $(place "$pref" "$handle"))")
	done <<<"$removed"
}

# Refuses to take the tables from a program that stays attached: it would go
# on with tables that cannot be reached any more.
check_unused() {
	local device direction
	while IFS= read -r device; do
		for direction in ingress egress; do
			[[ $device == "$INTERFACE" && " ${DIRECTIONS[*]} " == *" $direction "* ]] && continue
			[[ -z $(our_programs "$direction" "$device") ]] ||
				die "$EXIT_FAILED" "the tables are in use on $device $direction; detach there first"
		done
	done < <(all_devices)
}

OBJECTS=()

# Removes the pins whose names our objects define; others may be beside them.
purge() {
	local pin object count=0
	is_bpffs "$BPFFS" || return 0
	for object in "${OBJECTS[@]}"; do
		remove_former "$object"
		for pin in "$PINS"/map_*; do
			has_table "$object" "${pin##*/}" || continue
			rm -- "$pin"
			count=$((count + 1))
		done
	done
	# What a killed writer recorded, and the document that was applied, are about these tables.
	rm -f -- "$PINS"/journal "$PINS"/journal_large "$PINS"/applied_text
	# What a migration or an attach left that was killed.
	rm -rf -- "${PINS}_new" "${PINS%/*}"/sluice_{ingress,egress}
	LINES+=("$PINS: $count tables removed")
}

parse_arguments '--purge --if-exists' "$@"
need_root
need_interface
if [[ -n ${OPTION["--purge"]:-} ]]; then
	for direction in ingress egress; do
		# The assignment of its own keeps the exit code.
		object=$(object_file "$direction")
		OBJECTS+=("$object")
	done
	[[ ! -d $PINS ]] || lock_tables
fi
# While we waited for the lock, others may have attached.
read_tcx
[[ -z ${OPTION["--purge"]:-} ]] || check_unused
# Both hooks, whatever happens. Ingress first: what it translates needs egress.
ignore_signals
found=
for direction in "${DIRECTIONS[@]}"; do
	detach "$direction" && found=1
done
[[ -z ${OPTION["--purge"]:-} ]] || purge
[[ -n $found || -n ${OPTION["--purge"]:-} || -n ${OPTION["--if-exists"]:-} ]] ||
	die "$EXIT_NONE" "$INTERFACE: nothing of ours is attached"
((${#LINES[@]} == 0)) || report detached "${LINES[@]}"
