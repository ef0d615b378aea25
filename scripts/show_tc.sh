#!/usr/bin/env bash
# show_tc.sh [<interface>] [ingress|egress]
#
# Shows every filter on the hooks of an interface in the order in which they
# run, ours marked with its program id and the tables it uses. Warns where
# ours uses other tables than the pinned ones, and where a filter before ours
# may end the chain. What needs bpftool is left out where there is none.
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
	local direction=$1 ours line shown='' before=1
	printf '%s %s\n' "$INTERFACE" "$direction"
	show_tcx "$direction"
	ours=$(our_filters "$direction")
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
		if is_ours "$line" "$ours"; then
			before=
			show_ours "$line" "$direction"
		elif [[ -n $ours && -n $before ]]; then
			warn "$INTERFACE $direction: $line runs before ours: packets it decides about never reach ours"
		fi
	done < <(tc filter show dev "$INTERFACE" "$direction" 2>/dev/null)
	[[ -n $shown ]] || printf '  no filter\n'
}

# is_ours LINE OURS: whether a line of tc is one of our filters.
is_ours() {
	local id
	[[ $1 =~ \ id\ ([0-9]+)\ name\  ]] || return 1
	id=${BASH_REMATCH[1]}
	awk -v id="$id" '$5 == id { found = 1 } END { exit !found }' <<<"$2"
}

# Programs of the newer hook run before every filter. Only bpftool lists them.
show_tcx() {
	local line
	command -v bpftool >/dev/null || return 0
	while IFS= read -r line; do
		[[ $line == "$INTERFACE"'('*") tcx/$1 "* ]] || continue
		printf '  tcx %s\n' "${line#*") tcx/$1 "}"
		warn "$INTERFACE $1: tcx program ${line#*") tcx/$1 "} runs before every filter: packets it decides about never reach ours"
	done < <(bpftool net show dev "$INTERFACE" 2>/dev/null)
}

show_ours() {
	local id tables='' map maps name row pinned
	[[ $1 =~ \ id\ ([0-9]+)\ name\  ]]
	id=${BASH_REMATCH[1]}
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
read_pins
for direction in "${DIRECTIONS[@]}"; do
	show "$direction"
done
[[ -z $SPLIT ]] ||
	die "$EXIT_FAILED" "the attached programs and $PINS have different tables; reattach_tc.sh makes them one"
