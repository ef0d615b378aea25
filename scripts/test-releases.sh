#!/usr/bin/env bash
# test-releases.sh
#
# Builds the last release beside this one, and replaces the running programs of
# either by those of the other under traffic: tubectl upgrade, there and back,
# and udplb --takeover. (Those of the tunnels are replaced by scripts/test.sh.)
# Takes some minutes the first time; the build is kept in the directory of
# temporary files. Needs root.
#
# Exit code: 0 nothing was lost.
set -euo pipefail
cd "$(dirname -- "$(readlink -f -- "$0")")/.."
case ${1:-} in
-h | --help)
	sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' scripts/test-releases.sh
	exit 0
	;;
esac
scripts/bootstrap.sh test
cd tests
REQUIRE_BPF=1 exec npx ava --config releases.config.js
