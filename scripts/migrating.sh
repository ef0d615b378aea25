# shellcheck shell=bash
# Replaces programs and tables together, and finishes what was killed in
# between. Sourced by attaching.sh, never run.

# Where a migration prepares tables and programs, and what is there from the
# replacement of the first program until all of it is done. Meanwhile some
# programs use the old tables and some the new, so the commands write neither:
# a running stream looks for it again where the pin directory was modified.
readonly PREPARED=${PINS}_new
readonly SWITCHING=$PREPARED/switching

# Every hook that has one of our programs, a line each: interface, direction
# and what our_programs prints. Egress first, as when attaching.
our_hooks() {
	local direction device row
	for direction in egress ingress; do
		while IFS= read -r device; do
			while IFS= read -r row; do
				printf '%s %s %s\n' "$device" "$direction" "$row"
			done < <(our_programs "$direction" "$device")
		done < <(all_devices)
	done
}

# prepared_program HOOK: prints the path of the program that is prepared for it.
prepared_program() {
	local device direction suffix
	read -r device direction _ <<<"$1"
	suffix=$(object_suffix "$device") || return
	printf '%s/%s%s' "$PREPARED" "$(program_name "$direction")" "$suffix"
}

# replace_program SOURCE HOOK: swaps the program on a hook for the one pinned at
# SOURCE.
replace_program() {
	local device direction pref protocol chain handle
	read -r device direction pref protocol chain handle _ <<<"$2"
	if [[ $pref == tcx ]]; then
		(tables attach -- "$device" "$direction" "$1" >/dev/null)
	else
		tc filter replace dev "$device" "$direction" chain "$chain" pref "$pref" \
			handle "$handle" protocol "$protocol" bpf direct-action object-pinned "$1"
	fi
}

# switch_programs HOOK…: puts the prepared programs on all hooks or on none,
# and the prepared tables in the place of the pinned ones.
switch_programs() {
	local hook undone switched=() program where
	touch -- "$PINS"
	mkdir -- "$SWITCHING"
	for hook in "$@"; do
		where=$(cut -d ' ' -f 1,2 <<<"$hook")
		if ! program=$(prepared_program "$hook") || ! replace_program "$program" "$hook"; then
			for undone in "${switched[@]}"; do
				replace_program "$PREPARED/old_$(cut -d ' ' -f 7 <<<"$undone")" "$undone" ||
					die "$EXIT_FAILED" "replace the program on $where failed, and on $(cut -d ' ' -f 1,2 <<<"$undone"), too, where the new one is; run it again"
			done
			rmdir -- "$SWITCHING"
			die "$EXIT_FAILED" "replace the program on $where failed; the old programs are back"
		fi
		switched+=("$hook")
	done
	tables exchange >/dev/null
}

# Finishes a migration that was killed while it replaced the programs, and
# removes what an attach pinned that was killed.
finish_killed() {
	local hooks hook program
	rm -f -- "${PINS%/*}"/sluice_{ingress,egress}
	[[ -d $SWITCHING ]] || return 0
	mapfile -t hooks < <(our_hooks)
	for hook in "${hooks[@]}"; do
		program=$(prepared_program "$hook")
		# Killed later than that, it had replaced all of them.
		[[ -e $program ]] || break
		replace_program "$program" "$hook" ||
			die "$EXIT_FAILED" "replace the program on $(cut -d ' ' -f 1,2 <<<"$hook") failed; run it again"
	done
	tables exchange >/dev/null
	read_tcx
	warn 'a migration had been killed; it is finished now'
}
