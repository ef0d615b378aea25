#!/usr/bin/env bash
# test-fresh.sh [<command>…]
#
# Runs scripts/demo.sh and scripts/test.sh, or the commands given, as on a new
# machine: Debian's base system with git and Debian's own nodejs and npm, a
# clean checkout of HEAD, and a boot clock that says the machine started five
# seconds ago. Then looks at what they left: no service enabled, no file of the
# checkout changed, the system's Node.js as it was.
#
# The machine is a directory made by debootstrap, in mount, process and time
# namespaces of its own; it goes when the script ends. Takes some 20 minutes
# and 4 GB; needs root, debootstrap, and Debian's and npm's servers.
#
# Environment: see bare-root.sh, and
#   TMPDIR  where the directory is made [/tmp]
#
# Exit code: 0 all of it holds, 1 something does not, 4 the machine cannot (not
# root, no debootstrap).
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
# shellcheck source=bare-root.sh
source scripts/bare-root.sh

readonly CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

make_machine() {
	bare_root "$ROOT"
	# It becomes a root, for which it must be a mount.
	mount --bind "$ROOT" "$ROOT"
	mount -t proc proc "$ROOT/proc"
	mount --rbind /dev "$ROOT/dev"
	mount -t sysfs sysfs "$ROOT/sys"
	mount -t bpf bpf "$ROOT/sys/fs/bpf"
	git clone --quiet "$PWD" "$ROOT/root/sluice"
	on_machine 'apt-get update -qq
		apt-get install -y -qq --no-install-recommends git nodejs npm ca-certificates' \
		>"$WORK/apt.log" 2>&1 || die 1 "apt-get: $(tail -n 1 "$WORK/apt.log")"
	# Where a proxy signs for npm's servers, its certificate is this machine's.
	[[ ! -e $CERTIFICATES ]] || cp --dereference "$CERTIFICATES" "$ROOT$CERTIFICATES"
}

# Runs a line of shell in the machine's checkout. A chroot would not do: what
# enters the mount namespace of a test host comes to the root of its mounts.
on_machine() {
	# shellcheck disable=SC2016 # meant for the inner shell
	unshare --mount bash -euc '
		cd "$1"
		pivot_root . mnt
		cd /root/sluice
		umount -l /mnt
		exec env -i "${@:3}" bash -euo pipefail -c "$2"
	' on_machine "$ROOT" "$1" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root DEBIAN_FRONTEND=noninteractive REQUIRE_BPF=1 CI=true \
		NODE_EXTRA_CA_CERTS="$CERTIFICATES" \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"}
}

# What must be the same before and after.
state() {
	# shellcheck disable=SC2016 # meant for the inner shell
	on_machine '
		node --version
		git status --porcelain
		ls -d /usr/sbin/policy-rc.d 2>/dev/null || true
		find /etc/systemd/system /etc/rc?.d -type l -name "*.service" 2>/dev/null | sort
	'
}

# A program that is started by the system's Node.js says which it needs.
test_refusal() {
	local printed
	printed=$(on_machine 'node bin/cli_cfg --version' 2>&1) && die 1 "cli_cfg runs: $printed"
	printf '%s\n' "$printed"
	[[ $printed == "cli_cfg: Node.js v18."*" is too old; install 20.19 or later" ]] ||
		die 1 'this is not the line that was expected'
	# shellcheck disable=SC2016 # meant for the inner shell
	on_machine 'PATH=$PWD/bin:$PATH; cli_cfg --version'
}

((EUID == 0)) || die 4 'not permitted; run as root'
if [[ -z ${SLUICE_TEST_FRESH:-} ]]; then
	# What is mounted and started below goes with these namespaces, however we end.
	read -r uptime _ </proc/uptime
	SLUICE_TEST_FRESH=1 exec unshare --mount --propagation private \
		--pid --fork --kill-child --time --boottime "-$((${uptime%.*} - 5))" \
		"$(readlink -f -- "$0")" "$@"
fi
(($#)) || set -- scripts/demo.sh scripts/test.sh

WORK=$(mktemp -d)
ROOT=$WORK/root
trap 'umount -R -l "$ROOT" 2>/dev/null || true; rm -rf --one-file-system -- "$WORK"' EXIT

step 'a machine with git, nodejs and npm'
make_machine
before=$(state)
printf '%s\n' "$before"
status=0
for command in "$@"; do
	step "$command"
	on_machine "echo \"up for \$(cut -d ' ' -f 1 /proc/uptime) s\"; $command" || {
		printf 'test-fresh.sh: %s: exit code %s\n' "$command" "$?" >&2
		status=1
	}
done
step 'what is left'
after=$(state)
diff <(printf '%s\n' "$before") <(printf '%s\n' "$after") || die 1 'the machine is not as it was'
if [[ $before == v18.* ]]; then
	test_refusal
fi
((status)) || step 'all of it holds'
exit "$status"
