#!/bin/sh
# Stands in for the commands by which Debian's packages enable and start their
# services: bootstrap.sh puts this directory first in the PATH of dpkg. What a
# package asks beyond that is done by the command itself.
command=${0##*/}
# The directory of this script is the first.
PATH=${PATH#*:}
case $command in
deb-systemd-invoke | invoke-rc.d)
	exit 0
	;;
deb-systemd-helper)
	# A package asks "was-enabled", and enables its unit on "yes", which is the
	# answer for a unit that was not installed before.
	for last in "$@"; do :; done
	case " $* " in
	*' was-enabled '*) deb-systemd-helper debian-installed "$last" || exit 1 ;;
	*' enable '* | *' reenable '*) deb-systemd-helper debian-installed "$last" || exit 0 ;;
	esac
	;;
systemctl)
	case " $* " in
	*' enable '* | *' preset '* | *' preset-all '* | *' start '* | *' restart '*) exit 0 ;;
	esac
	;;
update-rc.d)
	[ "$2" != defaults ] || set -- "$1" defaults-disabled
	[ "$2" != enable ] || exit 0
	;;
esac
exec "$command" "$@"
