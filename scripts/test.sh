#!/usr/bin/env bash
# test.sh
#
# Runs every check there is: formatters and linters, type checks, unit tests,
# packet tests through the loaded programs, tests with real traffic between
# hosts. Makes the checkout ready first. Tests that need root or a kernel
# feature are skipped, with the reason, where it is missing; with
# REQUIRE_BPF=1 they fail.
#
# The last line is `N passed, N failed[, N skipped]`, summed over everything.
# Exit code: 0 when nothing failed.
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

scripts/bootstrap.sh

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT

status=0
npx biome ci --colors=off . || status=1
npx turbo run lint test --continue --concurrency=2 --no-color \
	--log-order=grouped 2>&1 | tee "$log" || status=1

# Adds up what ava says at the end of each package's tests.
sum() {
	sed 's/\x1b\[[0-9;]*m//g' "$log" |
		sed -nE "s/^[^ ]*:test: +([0-9]+) (tests?|known failures?|uncaught exceptions?|unhandled rejections?|test files?) ?($1).*/\1/p" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

passed=$(sum passed)
skipped=$(sum skipped)
failed=$(($(sum 'failed|were not found|remained') + $(sum '$')))
# A linter, a build or a run that broke off fails without naming a test.
if ((status && !failed)); then
	failed=1
fi
((failed == 0)) || status=1
((passed)) || status=1
printf '%d passed, %d failed' "$passed" "$failed"
((skipped == 0)) || printf ', %d skipped' "$skipped"
printf '\n'
exit "$status"
