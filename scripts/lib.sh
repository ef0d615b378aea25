# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this
# What the attach scripts share: the command line, the environment, tables and
# objects; hooks.sh has the programs on the hooks. Sourced, never run.
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
# has a value: --name=value, or the next word.
declare -A OPTION=()
INTERFACE=
DIRECTIONS=(ingress egress)
parse_arguments() {
	local known=" $1 " words=() option
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
			option=${1%%=*}
			if [[ $known == *" $option= "* ]]; then
				[[ $1 == *=* ]] || {
					shift
					set -- "$option=${1:-}" "${@:2}"
				}
				OPTION[$option]=${1#*=}
				[[ -n ${OPTION[$option]} ]] || usage_error "$option needs a value"
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
	# A script's variable that is not set must not mean the default route's.
	((${#words[@]} == 0)) || [[ -n ${words[0]} ]] ||
		usage_error 'the interface must not be empty; leave it out for that of the default route'
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
declare -rA PACKAGE=([tc]=iproute2 [ip]=iproute2 [flock]=util-linux [setsid]=util-linux [stat]=coreutils)

need_root() {
	((EUID == 0)) || die "$EXIT_ENVIRONMENT" 'not permitted; run as root'
	local tool
	for tool in tc ip flock setsid stat; do
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
# that no other process can see.
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

# Sets INTERFACE where it was left out, and checks that it is there. One that is
# named by an alternative name gets its first: programs are listed by that.
need_interface() {
	local devices row
	if [[ -z $INTERFACE ]]; then
		mapfile -t devices < <(default_devices)
		case ${#devices[@]} in
		0) die "$EXIT_USAGE" "no default route to take the interface from; name one of: $(choices)" ;;
		1) INTERFACE=${devices[0]} ;;
		*) die "$EXIT_USAGE" "several default routes; name one of: ${devices[*]}" ;;
		esac
	fi
	row=$(ip -oneline link show dev "$INTERFACE" 2>/dev/null) ||
		die "$EXIT_NONE" "no interface \"$INTERFACE\"; there are: $(choices)"
	[[ $row == *": $INTERFACE"[:@]* ]] || INTERFACE=$(all_devices dev "$INTERFACE")
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

# all_devices [dev NAME]: the names of all interfaces, or of this one.
all_devices() {
	local row
	while IFS= read -r row; do
		row=${row#*: }
		row=${row%%: *}
		# A veth is shown with its peer, as name@peer; a name may have an @, too.
		ip link show dev "${row%@*}" >/dev/null 2>&1 && row=${row%@*}
		printf '%s\n' "$row"
	done < <(ip -oneline link show "$@")
}

choices() {
	local names
	mapfile -t names < <(all_devices | grep -vx lo)
	printf '%s' "${names[*]:-none but lo}"
}

# --- tables -----------------------------------------------------------------

# show_maps MAP…: what bpftool shows of each map, which is `id N` or `pinned
# PATH`, a line each. Ends at the first that is not there. Nothing without
# bpftool.
show_maps() {
	(($#)) && command -v bpftool >/dev/null || return 0
	{ printf 'map show %s\n' "$@" | bpftool batch file - 2>/dev/null || true; } | awk '
		/^[0-9]+: / { if (row) print row; row = $0; next }
		/^\t/ { row = row " " $0 }
		END { if (row) print row }
	'
}

# pinned_maps: every pinned table, a line each: its name, then what bpftool
# shows of it.
pinned_maps() {
	local pins=() row i=0
	mapfile -t pins < <(compgen -G "$PINS/map_*")
	while IFS= read -r row; do
		printf '%s %s\n' "${pins[i]##*/}" "$row"
		((i += 1))
	done < <(show_maps "${pins[@]/#/pinned }")
}

# --- objects ----------------------------------------------------------------

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

# report DONE LINE…: prints what was done. Output that cannot be
# written does not undo it.
report() {
	local done=$1
	shift
	printf '%s\n' "$@" 2>/dev/null ||
		die "$EXIT_FAILED" "$done, but standard output cannot be written"
}

# shellcheck source=hooks.sh
source "$SCRIPTS/hooks.sh"
