#!/usr/bin/env bash
# test.sh [<option of turbo>…]
#
# Runs every check there is: formatters and linters, type checks, unit tests,
# packet tests through the loaded programs, tests with real traffic between
# hosts. Makes the checkout ready first. Tests that need root or a kernel
# feature are skipped, with the reason, where it is missing; with
# REQUIRE_BPF=1 they fail.
#
# Options of turbo choose workspaces, whose tests alone are run:
# test.sh --filter=@sluice/tubectl.
#
# The last line is `N passed, N failed[, N skipped]`, summed over everything.
#
# Environment
#   SLUICE_NODE  the directory of the node to run [scripts/node where
#                bootstrap.sh has installed one, else that of PATH]
#
# Exit code: 0 when nothing failed.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
export PATH=${SLUICE_NODE:+$SLUICE_NODE:}$PWD/scripts/node/node_modules/.bin:/usr/sbin:/sbin:$PATH

scripts/bootstrap.sh test

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT

status=0 unformatted=0 tasks=(test)
if (($# == 0)); then
	tasks+=(lint)
	npx biome ci --colors=off . || unformatted=1
fi
npx turbo run "${tasks[@]}" "$@" --continue --concurrency=2 --no-color \
	--log-order=grouped 2>&1 | tee "$log" || status=1

# Adds up what ava says of each test: passed, failed, skipped. A task that fails
# without naming a test, a linter say, is one failure.
sum() {
	sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
		match($0, /^[^ ]+[:#][a-z]+: /) {
			task = substr($0, 1, RLENGTH)
			sub(/#/, ":", task)
			text = substr($0, RLENGTH + 1)
			if (text ~ /command finished with error/) broken[task]
			if (text ~ /^ *✔ /) passed++
			if (text ~ /^ *- \[skip\] /) skipped++
			if (text ~ /^ *✘ \[fail\]: /) { failed++; named[task] }
		}
		END {
			for (task in broken) if (!(task in named)) failed++
			print passed + 0, failed + 0, skipped + 0
		}
	'
}

# What tasks that failed said of it: of a test run, what stands below its list of tests.
tell_failures() {
	sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
		match($0, /^[^ ]+[:#][a-z]+: /) {
			task = substr($0, 1, RLENGTH)
			sub(/#/, ":", task)
			text = substr($0, RLENGTH + 1)
			if (text ~ /^ *─$/ && !listed[task]++) said[task] = ""
			said[task] = said[task] $0 "\n"
			if (text ~ /ERROR|✘ \[fail\]:|error:/) failed[task]
		}
		END { for (task in failed) printf "\n%s", said[task] }
	'
}

if ((status)); then
	tell_failures "$log"
fi
read -r passed failed skipped < <(sum "$log")
((failed += unformatted)) || true
if ((status && !failed)); then
	failed=1
fi
((failed == 0 && passed > 0)) || status=1
printf '%d passed, %d failed' "$passed" "$failed"
((skipped == 0)) || printf ', %d skipped' "$skipped"
printf '\n'
exit "$status"
