# shellcheck shell=bash
# The start of a script that root runs in a checkout: prints its usage, changes
# to the root of the checkout and puts Node.js into PATH. Sourced with the
# script's arguments, never run.

cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." || exit
export PATH=$PWD/scripts/node/node_modules/.bin:/usr/sbin:/sbin:$PATH

case ${1:-} in
-h | --help)
	sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "scripts/${0##*/}"
	exit 0
	;;
esac

if ((EUID != 0)); then
	printf '%s: not permitted; run as root\n' "${0##*/}" >&2
	exit 4
fi
