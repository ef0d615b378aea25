# shellcheck shell=bash
# Our programs on the hooks of an interface, which tc knows as filters, and
# cli_tables by tcx. Sourced by lib.sh, never run.

# Prints the path of the program that works on the tables as a whole, and on
# the hooks that tc does not know.
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

# From here on, a signal ends neither us nor what we run. Node.js takes back
# that signals are ignored, so it gets a session of its own.
ALONE=()
ignore_signals() {
	trap '' HUP INT PIPE TERM
	ALONE=(setsid)
}

# Runs it. Its message is ours. A name may begin with a dash: put -- before.
tables() {
	local program output status=0
	program=$(tables_program) ||
		die "$EXIT_ENVIRONMENT" 'no cli_tables beside the scripts or in PATH; build or install it'
	output=$("${ALONE[@]}" "$program" "$1" --bpffs "$BPFFS" "${@:2}" 2>&1) || status=$?
	if ((status)); then
		((status == EXIT_ENVIRONMENT)) || status=$EXIT_FAILED
		output=${output#cli_tables: }
		die "$status" "${output#"$1: "}"
	fi
	[[ -z $output ]] || printf '%s\n' "$output"
}

# Every program that is attached by tcx, a line each: interface, direction,
# program id, program name. None where the kernel has no tcx, or nothing that
# could list them: it has attached none of ours either. With --tcx that is an
# error.
TCX=
read_tcx() {
	TCX=
	if [[ -n ${OPTION["--tcx"]:-} ]]; then
		TCX=$(tables hooks) || exit
		return
	fi
	tables_program >/dev/null || return 0
	TCX=$(tables hooks 2>&1) && return
	[[ $TCX == *'the kernel has no tcx'* ]] || warn "programs attached by tcx are not seen: ${TCX#"$PROGRAM: "}"
	TCX=
}

# tcx_programs DIRECTION [INTERFACE]: those on one hook, in the form of
# bpf_filters: what only a filter has is -, and its preference is tcx.
tcx_programs() {
	local device direction id name
	while read -r device direction id name; do
		[[ $direction == "$1" && $device == "${2:-$INTERFACE}" ]] || continue
		printf 'tcx - - - %s %s\n' "$id" "$name"
	done <<<"$TCX"
}

# The name of our program, by which it is known on any preference.
program_name() {
	printf 'pfc_%s' "$1"
}

# Every bpf filter of tc on a hook, a line each: preference, protocol, chain, handle,
# program id, program name. A filter of another kind has no line here.
bpf_filters() {
	local line
	local shape='^filter .*protocol ([^ ]+) pref ([0-9]+) bpf chain ([0-9]+) handle (0x[0-9a-f]+) .* id ([0-9]+) name ([^ ]+) tag '
	while IFS= read -r line; do
		[[ $line =~ $shape ]] || continue
		printf '%s %s %s %s %s %s\n' "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}" "${BASH_REMATCH[@]:3}"
	done < <(tc filter show dev "${2:-$INTERFACE}" "$1" 2>/dev/null)
}

# our_programs DIRECTION [INTERFACE]: ours on the hook, in the order in which
# they run.
our_programs() {
	local name row
	name=$(program_name "$1")
	while IFS= read -r row; do
		[[ $row != *" $name" ]] || printf '%s\n' "$row"
	done < <(tcx_programs "$@" && bpf_filters "$@")
}

# place PREF HANDLE: prints where one of ours is, as messages have it.
place() {
	if [[ $1 == tcx ]]; then
		printf tcx
	else
		printf 'pref %s, handle %s' "$1" "$2"
	fi
}

# Removes ours, but for the one with the program id in the second argument.
# Prints what it removed as our_programs does.
remove_ours() {
	local direction=$1 keep=${2:-} pref protocol chain handle id name
	while read -r pref protocol chain handle id name; do
		[[ $id != "$keep" ]] || continue
		if [[ $pref == tcx ]]; then
			tables detach -- "$INTERFACE" "$direction" "$id" || exit
		else
			tc filter del dev "$INTERFACE" "$direction" chain "$chain" \
				pref "$pref" handle "$handle" protocol "$protocol" bpf ||
				die "$EXIT_FAILED" "$INTERFACE $direction: remove $name at pref $pref: tc failed"
		fi
		printf '%s %s %s %s %s %s\n' "$pref" "$protocol" "$chain" "$handle" "$id" "$name"
	done < <(our_programs "$direction")
}
