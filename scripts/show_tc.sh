#!/usr/bin/env bash
# show_tc.sh [<interface>] [ingress|egress]
#
# Shows every tcx program and every filter on the hooks of an interface in the
# order in which they run, ours marked with its program id and the tables it
# uses. Warns where ours uses other tables than the pinned ones, and where a
# program before ours may end the chain. What needs bpftool is left out where there is none.
#
# Environment
#   TC_BPF_MNT  bpffs, as for tc (/sys/fs/bpf)
#
# Exit code: 0 done, 1 the attached programs and the pins have different
# tables, 2 bad usage, 3 no such interface, 4 the environment cannot (not root).
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

# A table that our programs use and the pins do not have, or have another of.
SPLIT=

show() {
	local direction=$1 ours line id name shown='' before=1
	printf '%s %s\n' "$INTERFACE" "$direction"
	ours=$(our_programs "$direction")
	while read -r _ _ _ _ id name; do
		shown=1
		printf '  tcx program %s %s\n' "$id" "$name"
		if is_ours "$id" "$ours"; then
			before=
			show_ours "$id" "$direction"
		else
			warn_before "$direction" "tcx program $id $name"
		fi
	done < <(tcx_programs "$direction")
	while IFS= read -r line; do
		# A head without a handle says nothing that its filters do not.
		[[ $line != filter* || $line =~ \ (handle|fh)\  ]] || continue
		[[ $line != *' ht divisor '* ]] || continue
		shown=1
		if [[ $line != filter* ]]; then
			printf '  %s\n' "$line"
			continue
		fi
		line=${line#filter }
		line=${line%% }
		printf '  %s\n' "$line"
		if [[ $line =~ \ id\ ([0-9]+)\ name\  ]] && is_ours "${BASH_REMATCH[1]}" "$ours"; then
			before=
			show_ours "${BASH_REMATCH[1]}" "$direction"
		else
			warn_before "$direction" "$line"
		fi
	done < <(tc filter show dev "$INTERFACE" "$direction" 2>/dev/null)
	[[ -n $shown ]] || printf '  no filter\n'
}

# is_ours ID OURS: whether a program is one of ours.
is_ours() {
	awk -v id="$1" '$5 == id { found = 1 } END { exit !found }' <<<"$2"
}

# warn_before DIRECTION WHAT: warns of what stands before ours, by the
# variables of show.
warn_before() {
	[[ -z $ours || -z $before ]] ||
		warn "$INTERFACE $1: $2 runs before ours: packets it decides about never reach ours"
}

show_ours() {
	local id=$1 tables='' map maps name row pinned
	if ! command -v bpftool >/dev/null; then
		printf '    ours: program %s (install bpftool to see its tables)\n' "$id"
		return
	fi
	mapfile -t maps < <(program_maps "$id")
	while IFS= read -r row; do
		map=${row%%:*}
		name=$(table_of "$row")
		[[ -n $name ]] || continue
		tables+=" $name:$map"
		pinned=${PINNED[$name]:-}
		[[ $pinned != "$map" ]] || continue
		SPLIT=1
		warn "$INTERFACE $2: program $id uses map $map as $name, the pin in $PINS is ${pinned:-not there}"
	done < <(show_maps "${maps[@]/#/id }")
	printf '    ours: program %s, tables%s\n' "$id" "${tables:- none}"
}

# Ids of a program's maps, a line each.
program_maps() {
	local text
	text=$(bpftool prog show id "$1")
	[[ $text =~ map_ids\ ([0-9,]+) ]] && printf '%s\n' "${BASH_REMATCH[1]//,/$'\n'}"
}

# The pin that a map has by its name, of which the kernel keeps 15 bytes; the
# name itself where there is no such pin. Nothing for a private map.
table_of() {
	local name pin
	[[ $1 =~ \ name\ (map_[^ ]+)\  ]] || return 0
	name=${BASH_REMATCH[1]}
	for pin in "${!PINNED[@]}"; do
		[[ ${pin:0:15} != "$name" ]] || name=$pin
	done
	printf '%s' "$name"
}

# Map ids by the name of their pin.
declare -A PINNED=()

read_pins() {
	local name row
	while read -r name row; do
		PINNED[$name]=${row%%:*}
	done < <(pinned_maps)
}

parse_arguments '' "$@"
need_root
need_interface
read_tcx
read_pins
for direction in "${DIRECTIONS[@]}"; do
	show "$direction"
done
[[ -z $SPLIT ]] ||
	die "$EXIT_FAILED" "the attached programs and $PINS have different tables; reattach_tc.sh makes them one"
