# shellcheck shell=bash
# shellcheck disable=SC2153 # PREF, HANDLE and PROGRAM are those of lib.sh
# Puts programs on the hooks, and checks what they need beforehand. Sourced
# after lib.sh, never run.

# shellcheck source=migrating.sh
source "$SCRIPTS/migrating.sh"

# Puts our program on each hook, in place of the one that may be there: the
# kernel swaps them in one step. Everything that can be known beforehand is
# checked for every hook before the first is touched. Egress comes first, since
# what ingress translates must not leave without egress.
#
# Loading an object is most of an attach. Without pinned tables no program of
# ours is attached, unless live tables are dropped, so a refused object leaves
# nothing half replaced: objects are then not loaded beforehand.
attach() {
	local direction object suffix line i has_tables='' lines=() added=()
	local -A objects=()
	suffix=$(object_suffix "$INTERFACE")
	for direction in "${DIRECTIONS[@]}"; do
		# The assignment of its own keeps the exit code.
		object=$(object_file "$direction" "$suffix")
		objects[$direction]=$object
	done
	need_bpffs
	lock_tables
	read_tcx
	finish_killed
	for direction in "${DIRECTIONS[@]}"; do
		choose_kind "$direction" "$1"
		[[ ${KIND[$direction]} == tcx ]] || check_place "$direction"
	done
	adopt_live
	if [[ -n ${OPTION["--drop-live"]:-} ]] || compgen -G "$PINS/map_*" >/dev/null; then
		has_tables=1
		for object in "${objects[@]}"; do
			check_object "$object"
		done
	fi
	[[ " ${DIRECTIONS[*]} " != *' egress '* ]] || let_lo_forward
	# From here on: all hooks or none.
	ignore_signals
	for ((i = ${#DIRECTIONS[@]} - 1; i >= 0; i--)); do
		direction=${DIRECTIONS[i]}
		[[ -n $(our_programs "$direction") ]] || added+=("$direction")
		if ! line=$(attach_one "$direction" "${objects[$direction]}" "$1"); then
			read_tcx
			for direction in "${added[@]}"; do
				remove_ours "$direction" >/dev/null
			done
			[[ -n $has_tables ]] || rm -f -- "$PINS"/map_*
			exit "$EXIT_FAILED"
		fi
		lines=("$line" "${lines[@]}")
		remove_former "${objects[$direction]}"
	done
	report "$1" "${lines[@]}"
}

# How each direction is attached: tcx or filter.
declare -A KIND=()

# choose_kind DIRECTION DONE: a program that is reattached stays what it is.
choose_kind() {
	KIND[$1]=filter
	if [[ -n ${OPTION["--tcx"]:-} || ($2 == reattached && $(our_programs "$1") == tcx*) ]]; then
		KIND[$1]=tcx
	fi
}

# Pins the tables that our attached programs use and that are not pinned any
# more: what was programmed and learned is in them. Refuses where programs and
# pins have different tables.
adopt_live() {
	local device direction devices=("$INTERFACE") ids=() options=()
	[[ -e $PINS/map_config ]] || mapfile -t devices < <(devices_with_hooks)
	for device in "${devices[@]}"; do
		for direction in ingress egress; do
			mapfile -t -O "${#ids[@]}" ids < <(our_programs "$direction" "$device" | awk '{ print $5 }')
		done
	done
	((${#ids[@]})) || return 0
	[[ -z ${OPTION["--drop-live"]:-} ]] || options=(--drop-live)
	tables adopt "${ids[@]}" "${options[@]}"
}

# The interfaces that can have programs.
devices_with_hooks() {
	{
		tc qdisc show | awk '$2 == "clsact" || $2 == "ingress" { print $5 }'
		awk '{ print $1 }' <<<"$TCX"
	} | sort -u | sed '/^$/d'
}

# The kernel looks up no route for a program on an interface that does not
# forward. On a host without forwarding, egress asks on behalf of lo instead.
# On lo the setting has no other effect: nothing is forwarded from there.
let_lo_forward() {
	local family setting
	for family in ipv4 ipv6; do
		setting=/proc/sys/net/$family/conf/lo/forwarding
		[[ -e $setting && $(<"$setting") == 0 ]] || continue
		{ printf '1\n' >"$setting"; } 2>/dev/null ||
			warn "net.$family.conf.lo.forwarding is 0 and cannot be set: with the flag fib, a host that does not forward finds no route for tunnel packets"
	done
}

# Refuses where another program's filter has our preference and handle.
check_place() {
	local pref chain handle name other qdiscs
	qdiscs=$(tc qdisc show dev "$INTERFACE")
	if [[ $1 == egress && $qdiscs == *'qdisc ingress ffff:'* ]]; then
		die "$EXIT_FAILED" "$INTERFACE: has an ingress qdisc, which has no egress hook; replace it by clsact first"
	fi
	while read -r pref _ chain handle _ name; do
		[[ $name == "$(program_name "$1")" ]] && continue
		[[ $pref == "$PREF" && $chain == 0 && $handle == "$HANDLE" ]] || continue
		die "$EXIT_FAILED" "$INTERFACE $1: pref $PREF handle $HANDLE is taken by program $name; choose another with SLUICE_TC_PREF"
	done < <(bpf_filters "$1")
	other=$({ tc filter show dev "$INTERFACE" "$1" 2>/dev/null || true; } |
		awk -v pref="$PREF" '
			$1 == "filter" && $5 == pref && ($3 != "all" || $6 != "bpf") && !text { text = $0 }
			END { print text }
		')
	[[ -z $other ]] ||
		die "$EXIT_FAILED" "$INTERFACE $1: pref $PREF is taken by another filter (${other#filter }); choose another with SLUICE_TC_PREF"
}

# Loads an object in namespaces of its own: says whether the kernel takes it,
# and compares the tables it would make with the pinned ones. Needs bpftool for
# the second; without it tc refuses on the spot, one table at a time.
check_object() {
	local output difference
	# A container may forbid namespaces; then attaching shows it.
	unshare --net --mount true 2>/dev/null || return 0
	output=$(
		# shellcheck disable=SC2016 # meant for the inner shell
		unshare --net --mount bash -c '
			source "$1/lib.sh"
			source "$1/attaching.sh"
			mount -t bpf bpf "$BPFFS" && ip link set lo up && tc qdisc add dev lo clsact || exit
			tc filter add dev lo ingress protocol all bpf direct-action object-file "$2" section tc || exit
			table_shapes
		' "$PROGRAM" "$SCRIPTS" "$1" 2>&1
	) || die "$EXIT_FAILED" "load $1: $(cause "$output")"
	difference=$(differences "$output" "$(table_shapes)") || return 0
	# Tables that were resized stay as they are.
	if ! [[ ", $difference" =~ ,\ [a-z_]+\ (type|flags|key|value)\  ]]; then
		RESIZED[$1]=1
		return
	fi
	die "$EXIT_FAILED" "load $1: its tables are not the pinned ones: $difference; nothing was changed, reattach_tc.sh --migrate copies the entries into new tables"
}

# Objects that define other sizes than the pinned tables have.
declare -A RESIZED=()

# Every pinned table, a line each: its name, then its shape. Nothing without
# bpftool.
table_shapes() {
	local name row
	while read -r name row; do
		if [[ $row =~ :\ ([^ ]+)\ .*flags\ (0x[0-9a-f]+).*key\ ([0-9]+)B.*value\ ([0-9]+)B.*max_entries\ ([0-9]+) ]]; then
			printf '%s type %s flags %s key %s value %s max_entries %s\n' "$name" "${BASH_REMATCH[@]:1}"
		fi
	done < <(pinned_maps)
}

# differences NEW PINNED: says what differs in the tables that both have; fails
# where nothing does.
differences() {
	awk '
		NR == FNR { pinned[$1] = $0; next }
		$1 in pinned {
			split(pinned[$1], old)
			for (i = 2; i < NF; i += 2)
				if ($(i + 1) != old[i + 1])
					text = text (text ? ", " : "") $1 " " $i " is " old[i + 1] ", the object has " $(i + 1)
		}
		END { print text; exit !text }
	' <(printf '%s\n' "$2") <(printf '%s\n' "$1")
}

# What tc said, in one line: libbpf's first complaint, or the last line.
cause() {
	local line
	line=$(grep -m 1 -E "^libbpf: .*(couldn't|failed|error|Error)" <<<"$1") ||
		line=$(grep -v '^$' <<<"$1" | tail -n 1)
	printf '%s' "${line#libbpf: }"
}

# Attaches the program of an object as KIND says, and removes what else is ours
# on the hook. The new one runs already, so no packet passes without.
attach_one() {
	local direction=$1 object=$2 done=$3 id where=$PREF
	if [[ ${KIND[$direction]} == tcx ]]; then
		id=$(attach_tcx "$direction" "$object") || exit
		where=tcx
		# The old one is replaced.
		TCX=
	else
		id=$(attach_filter "$direction" "$object") || exit
	fi
	remove_ours "$direction" "$id" >/dev/null
	printf '%s %s: %s %s (program %s, %s)\n' \
		"$INTERFACE" "$direction" "$(program_name "$direction")" "$done" "$id" "$(place "$where" "$HANDLE")"
}

# Prints the program's id.
attach_tcx() {
	local pin=$BPFFS/tc/sluice_$1 output
	tables load "$2" "$pin" >/dev/null
	output=$(tables attach -- "$INTERFACE" "$1" "$pin") || {
		rm -- "$pin"
		exit "$EXIT_FAILED"
	}
	rm -- "$pin"
	[[ $output =~ ^program\ ([0-9]+) ]]
	printf '%s' "${BASH_REMATCH[1]}"
}

# Prints the program's id.
attach_filter() {
	local direction=$1 object=$2 qdiscs output pin=''
	local source=(object-file "$object" section tc)
	qdiscs=$(tc qdisc show dev "$INTERFACE")
	if [[ $qdiscs != *'qdisc clsact ffff:'* && $qdiscs != *'qdisc ingress ffff:'* ]]; then
		output=$(tc qdisc add dev "$INTERFACE" clsact 2>&1) ||
			die "$EXIT_FAILED" "$INTERFACE: add clsact: $output"
	fi
	if [[ -n ${RESIZED[$object]:-} ]]; then
		pin=$BPFFS/tc/sluice_$direction
		tables load "$object" "$pin" >/dev/null
		source=(object-pinned "$pin")
	fi
	output=$(tc filter replace dev "$INTERFACE" "$direction" \
		pref "$PREF" handle "$HANDLE" protocol all \
		bpf direct-action "${source[@]}" 2>&1) ||
		die "$EXIT_FAILED" "$INTERFACE $direction: load $object: $(cause "$output")"
	[[ -z $pin ]] || rm -- "$pin"
	bpf_filters "$direction" |
		awk -v pref="$PREF" -v handle="$HANDLE" '$1 == pref && $4 == handle { print $5 }'
}
