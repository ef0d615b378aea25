# shellcheck shell=bash
# What the attach scripts share. Sourced, never run.
#
# Exit codes: 0 done, 1 failed, 2 bad usage, 3 no such interface or nothing
# to detach, 4 the environment cannot (not root, no bpffs, no objects).

# How long to wait for another writer.
readonly LOCK_SECONDS=30

readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_NONE=3 EXIT_ENVIRONMENT=4

PROGRAM=$(basename -- "$0")
SCRIPTS=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
readonly PROGRAM SCRIPTS

# Where our filter stands. Another preference may be chosen, so that ours runs
# before or after what else is on the hook; the kernel runs the lowest first.
readonly PREF=${SLUICE_TC_PREF:-7717} HANDLE=0x1

# As iproute2 has it.
readonly BPFFS=${TC_BPF_MNT:-/sys/fs/bpf}
readonly PINS=$BPFFS/tc/globals

# Caches that objects before 0.1.0 pinned. Today's are private to a program.
readonly FORMER=(map_events_tmp map_icmp_limit map_journal map_memo map_route)

# die CODE MESSAGE…
die() {
	local code=$1
	shift
	printf '%s: %s\n' "$PROGRAM" "$*" >&2
	exit "$code"
}

warn() {
	printf '%s: warning: %s\n' "$PROGRAM" "$*" >&2
}

# Prints the usage: the comment at the top of the script.
usage() {
	sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "$0"
}

# --- the command line -------------------------------------------------------

# Sets INTERFACE (perhaps empty), DIRECTIONS and, for every option named in the
# first argument that is given, OPTION[--name]=1. One that is named with a "="
# takes the next word for its value.
declare -A OPTION=()
INTERFACE=
DIRECTIONS=(ingress egress)
parse_arguments() {
	local known=" $1 " words=()
	shift
	while (($#)); do
		case $1 in
		-h | --help)
			usage
			exit 0
			;;
		--)
			shift
			words+=("$@")
			break
			;;
		-*)
			if [[ $known == *" $1= "* ]]; then
				(($# > 1)) || usage_error "$1 needs a value"
				OPTION[$1]=$2
				shift
			else
				[[ $known == *" $1 "* ]] || usage_error "unknown option \"$1\""
				OPTION[$1]=1
			fi
			;;
		*) words+=("$1") ;;
		esac
		shift
	done
	((${#words[@]} <= 2)) || usage_error "unexpected argument \"${words[2]}\""
	# One word that is a direction is a direction: ingress alone means the
	# ingress hook of the default interface.
	if ((${#words[@]} == 1)) && [[ ${words[0]} =~ ^(ingress|egress)$ ]]; then
		words=('' "${words[0]}")
	fi
	INTERFACE=${words[0]:-}
	if ((${#words[@]} == 2)); then
		[[ ${words[1]} =~ ^(ingress|egress)$ ]] ||
			usage_error "the direction must be ingress or egress, got \"${words[1]}\""
		DIRECTIONS=("${words[1]}")
	fi
	if ! [[ $PREF =~ ^[1-9][0-9]{0,4}$ ]] || ((PREF > 65535)); then
		die "$EXIT_USAGE" "SLUICE_TC_PREF must be an integer from 1 to 65535, got \"$PREF\""
	fi
}

usage_error() {
	die "$EXIT_USAGE" "$1; see $PROGRAM --help"
}

# --- the environment --------------------------------------------------------

# Where the tools that need_root looks for are.
declare -rA PACKAGE=([tc]=iproute2 [ip]=iproute2 [flock]=util-linux [stat]=coreutils)

need_root() {
	((EUID == 0)) || die "$EXIT_ENVIRONMENT" 'not permitted; run as root'
	local tool
	for tool in tc ip flock stat; do
		command -v "$tool" >/dev/null ||
			die "$EXIT_ENVIRONMENT" "no $tool here; install ${PACKAGE[$tool]}"
	done
	has_sys_admin ||
		die "$EXIT_ENVIRONMENT" 'not permitted without CAP_SYS_ADMIN: the kernel does not name attached programs'
}

# A container or a unit may run as root without it.
has_sys_admin() {
	local word mask=0
	while read -r word mask; do
		[[ $word != CapEff: ]] || break
	done </proc/self/status
	((16#$mask >> 21 & 1))
}

is_bpffs() {
	# BPF_FS_MAGIC of linux/magic.h. Not every stat has a name for it.
	[[ $(stat -f -c %t -- "$1" 2>/dev/null) == cafe4a11 ]]
}

# Mounts the bpffs if it is not. Inside `ip netns exec` it never is: a new
# mount would be gone with the command, and the programs would have tables
# that nobody else can see.
need_bpffs() {
	local name
	is_bpffs "$BPFFS" && return
	name=$(ip netns identify $$ 2>/dev/null) || name=
	if [[ -n $name && $(readlink /proc/1/ns/mnt) != "$(readlink /proc/self/ns/mnt)" ]]; then
		die "$EXIT_ENVIRONMENT" "$BPFFS is hidden by ip netns exec; use nsenter --net=/run/netns/$name instead"
	fi
	{ mkdir -p -- "$BPFFS" && mount -t bpf -o mode=0700 bpf "$BPFFS"; } 2>/dev/null ||
		die "$EXIT_ENVIRONMENT" "$BPFFS is not a bpffs and none can be mounted there; mount one, or name another with TC_BPF_MNT"
}

# One writer at a time, the command-line tools included. Held until we end.
lock_tables() {
	local lock attempt status
	while :; do
		(umask 077 && mkdir -p -- "$PINS")
		need_private "${PINS%/*}"
		need_private "$PINS"
		exec {lock}<"$PINS"
		# A flock that can wait for some seconds is not on every machine.
		for ((attempt = 0; ; attempt++)); do
			status=0
			flock -n "$lock" || status=$?
			((status != 0)) || break
			((status == 1)) ||
				die "$EXIT_ENVIRONMENT" "$PINS: flock failed with exit code $status; install util-linux"
			((attempt < LOCK_SECONDS * 2)) ||
				die "$EXIT_FAILED" "$PINS: $(lock_holder) has held the lock for $LOCK_SECONDS s; try again when it has ended"
			sleep 0.5
		done
		# A migration may have put another directory there in the meantime.
		[[ $(stat -L -c %i "/proc/self/fd/$lock") != "$(stat -c %i -- "$PINS")" ]] || return 0
		exec {lock}<&-
	done
}

# need_private DIRECTORY: refuses one that another user could change. Where
# all users may read it, none but us and the group may any more: who can open
# it can hold the lock.
need_private() {
	local owner mode
	read -r owner mode < <(stat -c '%u %a' -- "$1")
	((owner == EUID || owner == 0)) ||
		die "$EXIT_ENVIRONMENT" "$1 belongs to user $owner; look at what is in it, then chown -R 0:0 $1"
	((!(8#$mode & 8#022))) ||
		die "$EXIT_ENVIRONMENT" "$1 is writable by others; look at what is in it, then chmod go-w $1"
	((!(8#$mode & 8#007))) || chmod o-rwx -- "$1"
}

# Names a process that holds the lock.
lock_holder() {
	local pid name=ended
	pid=$(awk -v inode="$(stat -c %i -- "$PINS")" '
		$2 == "FLOCK" && $6 ~ ":" inode "$" && $5 > 0 { print $5; exit }
	' /proc/locks)
	[[ ! -r /proc/$pid/comm ]] || name=$(<"/proc/$pid/comm")
	printf '%s' "${pid:+process $pid ($name)}"
	[[ -n $pid ]] || printf 'another process'
}

# Sets INTERFACE where it was left out, and checks that it is there.
need_interface() {
	local devices
	if [[ -z $INTERFACE ]]; then
		mapfile -t devices < <(default_devices)
		case ${#devices[@]} in
		0) die "$EXIT_USAGE" "no default route to tell the interface; name one of: $(choices)" ;;
		1) INTERFACE=${devices[0]} ;;
		*) die "$EXIT_USAGE" "several default routes; name one of: ${devices[*]}" ;;
		esac
	fi
	ip link show dev "$INTERFACE" >/dev/null 2>&1 ||
		die "$EXIT_NONE" "no interface \"$INTERFACE\"; there are: $(choices)"
}

# The devices of the default routes, both families, each once.
default_devices() {
	local words word before
	{
		ip -4 -oneline route show default
		ip -6 -oneline route show default
	} | while read -r -a words; do
		before=
		for word in "${words[@]}"; do
			[[ $before == dev ]] && printf '%s\n' "$word"
			before=$word
		done
	done | sort -u
}

all_devices() {
	local row
	while IFS= read -r row; do
		row=${row#*: }
		row=${row%%: *}
		# A veth is shown with its peer, as name@peer; a name may have an @, too.
		ip link show dev "${row%@*}" >/dev/null 2>&1 && row=${row%@*}
		[[ $row == lo ]] || printf '%s\n' "$row"
	done < <(ip -oneline link show)
}

choices() {
	local names
	mapfile -t names < <(all_devices)
	printf '%s' "${names[*]:-none but lo}"
}

# --- filters ----------------------------------------------------------------

# The name of our program, by which it is known on any preference.
program_name() {
	printf 'pfc_%s' "$1"
}

# Every bpf filter on a hook, a line each: preference, protocol, chain, handle,
# program id, program name. A filter of another kind has no line here.
bpf_filters() {
	local line
	local shape='^filter .*protocol ([^ ]+) pref ([0-9]+) bpf chain ([0-9]+) handle (0x[0-9a-f]+) .* id ([0-9]+) name ([^ ]+) tag '
	while IFS= read -r line; do
		[[ $line =~ $shape ]] || continue
		printf '%s %s %s %s %s %s\n' "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}" "${BASH_REMATCH[@]:3}"
	done < <(tc filter show dev "${2:-$INTERFACE}" "$1" 2>/dev/null)
}

# our_filters DIRECTION [INTERFACE]: ours among them.
our_filters() {
	bpf_filters "$@" | awk -v name="$(program_name "$1")" '$6 == name'
}

# Removes ours, but for the one with the program id in the second argument.
# Prints what it removed as our_filters does.
remove_ours() {
	local direction=$1 keep=${2:-} pref protocol chain handle id name
	while read -r pref protocol chain handle id name; do
		[[ $id != "$keep" ]] || continue
		tc filter del dev "$INTERFACE" "$direction" chain "$chain" \
			pref "$pref" handle "$handle" protocol "$protocol" bpf ||
			die "$EXIT_FAILED" "$INTERFACE $direction: remove $name at pref $pref: tc failed"
		printf '%s %s %s %s %s %s\n' "$pref" "$protocol" "$chain" "$handle" "$id" "$name"
	done < <(our_filters "$direction")
}

# --- attaching --------------------------------------------------------------

# object_suffix INTERFACE: prints what the name of the objects has for the
# interface's link layer: nothing for Ethernet, _l3 where packets begin with IP.
object_suffix() {
	local link device=$1
	link=$(ip -oneline link show dev "$device")
	[[ $link =~ \ link/([^ ]+) ]] || return 0
	case ${BASH_REMATCH[1]} in
	ether | loopback) ;;
	none | ppp | ipip | tunnel6 | sit | '[519]') printf '_l3' ;;
	*) die "$EXIT_FAILED" "$device: packets of link type ${BASH_REMATCH[1]} begin with neither Ethernet nor IP; attach to another interface" ;;
	esac
}

# object_file DIRECTION [SUFFIX]: prints the path of the object.
object_file() {
	local name directory places
	name=$(program_name "$1")${2:-}_tc.o
	places=("$SCRIPTS/../bpf/dist" "$SCRIPTS/../bpf" /usr/lib/sluice/bpf)
	[[ -z ${SLUICE_BPF_DIR:-} ]] || places=("$SLUICE_BPF_DIR")
	for directory in "${places[@]}"; do
		if [[ -r $directory/$name ]]; then
			readlink -f -- "$directory/$name"
			return
		fi
	done
	die "$EXIT_ENVIRONMENT" "no $name in ${places[*]}; build it with make, or name its directory with SLUICE_BPF_DIR"
}

# has_table OBJECT NAME: whether the object defines a map of this name.
has_table() {
	grep --quiet --null-data --line-regexp --fixed-strings -- "$2" "$1"
}

# Removes the pins of caches that OBJECT does not pin any more. A program that
# still runs with one keeps its map.
remove_former() {
	local table
	for table in "${FORMER[@]}"; do
		[[ ! -e $PINS/$table ]] || has_table "$1" "$table" || rm -- "$PINS/$table"
	done
}

# Puts our program on each hook, in place of the one that may be there: the
# kernel swaps them in one step. Everything that can be known beforehand is
# checked for every hook before the first is touched. Egress comes first, since
# what ingress translates must not leave without egress.
attach() {
	local direction object suffix line i lines=() added=()
	local -A objects=()
	suffix=$(object_suffix "$INTERFACE")
	for direction in "${DIRECTIONS[@]}"; do
		# The assignment of its own keeps the exit code.
		object=$(object_file "$direction" "$suffix")
		objects[$direction]=$object
	done
	need_bpffs
	lock_tables
	finish_migration
	for direction in "${DIRECTIONS[@]}"; do
		check_place "$direction"
	done
	adopt_live
	for object in "${objects[@]}"; do
		check_object "$object"
	done
	[[ " ${DIRECTIONS[*]} " != *' egress '* ]] || let_lo_forward
	# From here on: all hooks or none.
	trap '' HUP INT PIPE TERM
	for ((i = ${#DIRECTIONS[@]} - 1; i >= 0; i--)); do
		direction=${DIRECTIONS[i]}
		[[ -n $(our_filters "$direction") ]] || added+=("$direction")
		if ! line=$(attach_one "$direction" "${objects[$direction]}" "$1"); then
			for direction in "${added[@]}"; do
				remove_ours "$direction" >/dev/null
			done
			exit "$EXIT_FAILED"
		fi
		lines=("$line" "${lines[@]}")
		remove_former "${objects[$direction]}"
	done
	report "$1" "${lines[@]}"
}

# report DONE LINE…: prints what was done. It is done, whether or not somebody
# reads it.
report() {
	local done=$1
	shift
	printf '%s\n' "$@" 2>/dev/null ||
		die "$EXIT_FAILED" "$done, but standard output cannot be written"
}

# Prints the path of the program that works on the tables as a whole.
tables_program() {
	local place
	for place in "$SCRIPTS/../bin/cli_tables" "$SCRIPTS/cli_tables"; do
		if [[ -x $place ]]; then
			printf '%s' "$place"
			return
		fi
	done
	command -v cli_tables
}

# Runs it. Its message is ours.
tables() {
	local program output
	program=$(tables_program) ||
		die "$EXIT_ENVIRONMENT" 'no cli_tables beside the scripts or in PATH; build or install it'
	if ! output=$("$program" "$@" --bpffs "$BPFFS" 2>&1); then
		output=${output#cli_tables: }
		die "$EXIT_FAILED" "${output#"$1: "}"
	fi
	[[ -z $output ]] || printf '%s\n' "$output"
}

# Pins the tables that our attached programs use and that are not pinned any
# more: what was programmed and learned is in them. Refuses where programs and
# pins have different tables.
adopt_live() {
	local device direction devices=("$INTERFACE") ids=() options=()
	[[ -e $PINS/map_config ]] || mapfile -t devices < <(all_devices)
	for device in "${devices[@]}"; do
		for direction in ingress egress; do
			mapfile -t -O "${#ids[@]}" ids < <(our_filters "$direction" "$device" | awk '{ print $5 }')
		done
	done
	((${#ids[@]})) || return 0
	[[ -z ${OPTION["--drop-live"]:-} ]] || options=(--drop-live)
	tables adopt "${ids[@]}" "${options[@]}"
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

# Refuses where our filter's place on the hook is somebody else's.
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

# Loads an object where nobody sees it, in namespaces of its own: says whether
# the kernel takes it, and compares the tables it would make with the pinned
# ones. Needs bpftool for the second; without it tc refuses on the spot, one
# table at a time.
check_object() {
	local output difference
	# A container may forbid namespaces; then the attempt itself will tell.
	unshare --net --mount true 2>/dev/null || return 0
	output=$(
		# shellcheck disable=SC2016 # meant for the inner shell
		unshare --net --mount bash -c '
			source "$1"
			mount -t bpf bpf "$BPFFS" && ip link set lo up && tc qdisc add dev lo clsact || exit
			tc filter add dev lo ingress protocol all bpf direct-action object-file "$2" section tc || exit
			table_shapes
		' "$PROGRAM" "$SCRIPTS/lib.sh" "$1" 2>&1
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
	local pin shape
	command -v bpftool >/dev/null || return 0
	for pin in "$PINS"/*; do
		[[ -e $pin ]] || continue
		shape=$(bpftool map show pinned "$pin" 2>/dev/null) || continue
		[[ $shape =~ :\ ([^ ]+)\ .*flags\ (0x[0-9a-f]+).*key\ ([0-9]+)B.*value\ ([0-9]+)B.*max_entries\ ([0-9]+) ]] &&
			printf '%s type %s flags %s key %s value %s max_entries %s\n' \
				"${pin##*/}" "${BASH_REMATCH[@]:1}"
	done
	return 0
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

attach_one() {
	local direction=$1 object=$2 done=$3 qdiscs output id pin=''
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
	id=$(our_filters "$direction" |
		awk -v pref="$PREF" -v handle="$HANDLE" '$1 == pref && $4 == handle { print $5 }')
	# Ours that an earlier version or another preference left there. The new
	# one runs already, so no packet passes without.
	remove_ours "$direction" "$id" >/dev/null
	printf '%s %s: %s %s (program %s, pref %s, handle %s)\n' \
		"$INTERFACE" "$direction" "$(program_name "$direction")" "$done" "$id" "$PREF" "$HANDLE"
}

# --- migrating --------------------------------------------------------------

# Where a migration prepares tables and programs, and what is there from the
# replacement of the first program until all of it is done. Meanwhile some
# programs use the old tables and some the new, so the commands write neither.
readonly PREPARED=${PINS}_new
readonly SWITCHING=$PREPARED/switching

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

# switch_programs HOOK…: puts the prepared programs on all hooks or on none,
# and the prepared tables in the place of the pinned ones.
switch_programs() {
	local hook undone done=()
	mkdir -- "$SWITCHING"
	for hook in "$@"; do
		# shellcheck disable=SC2086 # words
		if ! replace_filter "$PREPARED/$(program_name "$(cut -d ' ' -f 2 <<<"$hook")")" $hook; then
			for undone in "${done[@]}"; do
				# shellcheck disable=SC2086 # words
				replace_filter "$PREPARED/old_$(cut -d ' ' -f 7 <<<"$undone")" $undone || true
			done
			rmdir -- "$SWITCHING"
			die "$EXIT_FAILED" "replace the program on $hook: tc failed; the old programs are back"
		fi
		done+=("$hook")
	done
	tables exchange >/dev/null
}

# Finishes a migration that was killed while it replaced the programs.
finish_migration() {
	local hooks hook
	[[ -d $SWITCHING ]] || return 0
	mapfile -t hooks < <(our_hooks)
	for hook in "${hooks[@]}"; do
		# Killed later than that, it had replaced all of them.
		[[ -e $PREPARED/$(program_name ingress) && -e $PREPARED/$(program_name egress) ]] || break
		# shellcheck disable=SC2086 # words
		replace_filter "$PREPARED/$(program_name "$(cut -d ' ' -f 2 <<<"$hook")")" $hook ||
			die "$EXIT_FAILED" "replace the program on $hook: tc failed; run it again"
	done
	tables exchange >/dev/null
	warn 'a migration had been killed; it is finished now'
}
