# shellcheck shell=bash
# A directory with nothing but Debian's base system, for tests of what users
# install. Sourced, never run.
#
# Environment
#   DEBIAN_MIRROR  [http://deb.debian.org/debian]
#   DEBIAN_SUITE   [bookworm]

PROGRAM=$(basename -- "$0")
readonly PROGRAM
readonly MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly SUITE=${DEBIAN_SUITE:-bookworm}

die() {
	local code=$1
	shift
	printf '%s: %s\n' "$PROGRAM" "$*" >&2
	exit "$code"
}

step() {
	printf '\n== %s\n' "$*"
}

# bare_root DIRECTORY [PACKAGE…]
bare_root() {
	local root=$1 log
	shift
	((EUID == 0)) || die 4 'not permitted; run as root'
	command -v debootstrap >/dev/null || die 4 'no debootstrap here; apt-get install debootstrap'
	log=$(debootstrap --variant=minbase ${1:+"--include=$(
		IFS=,
		printf %s "$*"
	)"} "$SUITE" "$root" "$MIRROR" 2>&1) || die 1 "debootstrap: $(tail -n 1 <<<"$log")"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
}

# inside SCRIPT [ARGUMENT…]: runs a script in the directory $ROOT.
# shellcheck disable=SC2153 # the caller sets it
inside() {
	chroot "$ROOT" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root DEBIAN_FRONTEND=noninteractive bash -euo pipefail -c "$1" inside "${@:2}"
}
