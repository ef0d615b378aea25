#!/usr/bin/env bash
# test-kernel-doctor.sh
#
# What cli_doctor finds on other machines than this one: with an old kernel,
# without the modules of the hooks, locked down, and with a service manager.
# Each machine is booted by test-kernel.sh, the finding is provoked there, the
# command that was printed is run as printed, and the finding must be gone.
#
# Environment and exit code: as of test-kernel.sh.
set -euo pipefail
SELF=$(readlink -f -- "$0")
readonly SELF
readonly DOCTOR=${SELF%/*}/../packages/cli-doctor

fail() {
	printf 'test-kernel-doctor.sh: %s\n' "$*" >&2
	exit 1
}

# Boots a machine and runs one of the functions below there.
on_machine() {
	printf '\n== %s\n' "$2"
	"${SELF%/*}/test-kernel.sh" "$SELF" "$1" || fail "$2: exit code $?"
}

# Prints the command that mends the finding with this code. There must be one, and it says so.
finds() {
	local code=$1 message=$2 report fix
	shift 2
	report=$("${@:-cli_doctor}" 2>/dev/null) || true
	fix=$(awk -v head="$code: $message" 'found { sub(/^\tmend: /, ""); print; exit } $0 == head { found = 1 }' <<<"$report")
	[[ -n $fix ]] || fail "not found: \"$code: $message\", but: $report"
	printf '%s\n%s\n' "$code: $message" "$fix" >&2
	printf '%s' "$fix"
}

# The same look finds nothing with this code any more.
finds_no() {
	local code=$1 report
	shift
	report=$("${@:-cli_doctor}" 2>/dev/null) || true
	[[ $report =~ [0-9]+\ checks ]] || fail "cli_doctor said nothing of use: $report"
	! grep "^$code:" <<<"$report" || fail "$code is still found"
}

equals() {
	[[ $1 == "$2" ]] || fail "\"$1\" instead of \"$2\""
}

# A machine with cli_doctor and the scripts on its PATH, as they are installed.
furnish() {
	mount -t bpf bpf /sys/fs/bpf
	mkdir /run/bin
	ln -s "$DOCTOR/dist/cli_doctor.cjs" /run/bin/cli_doctor
	export PATH=/run/bin:${SELF%/*}:$PATH
}

old_kernel() {
	furnish
	equals "$(finds kernel-old "the kernel is $(uname -r); the tunnel programs take 5.12 or later")" \
		'apt-get install -y linux-image-amd64 && reboot'
}

# What the command for the old kernel installs: test-kernel.sh unpacks just that package.
new_kernel() {
	furnish
	finds_no kernel-
	attach_tc.sh lo
	finds_no kernel-
}

# No module is loaded on demand, as on hardened machines.
no_modules() {
	furnish
	local fix message='the kernel has no clsact qdisc or no cls_bpf filter, which the programs are attached by'
	echo /bin/false >/proc/sys/kernel/modprobe
	mount -t tmpfs none /lib/modules
	equals "$(finds kernel-cls-bpf "$message")" 'apt-get install -y linux-image-amd64 && reboot'
	umount /lib/modules
	mv /usr/sbin/modprobe /usr/sbin/modprobe.away
	equals "$(finds kernel-cls-bpf "$message")" 'apt-get install -y kmod && modprobe sch_ingress && modprobe cls_bpf'
	mv /usr/sbin/modprobe.away /usr/sbin/modprobe
	fix=$(finds kernel-cls-bpf "$message")
	equals "$fix" 'modprobe sch_ingress && modprobe cls_bpf'
	bash -c "$fix"
	finds_no kernel-cls-bpf
	attach_tc.sh lo
}

# Supported kernels load our programs, so the doctor must not report them.
locked_down() {
	furnish
	mount -t securityfs none /sys/kernel/security
	equals "$(</sys/kernel/security/lockdown)" 'none integrity [confidentiality]'
	attach_tc.sh lo
	finds_no lockdown
}

# A shell that lacks a right gets a whole one from the service manager.
service_manager() {
	local manager state='' fix
	furnish
	mkdir -p /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	# It would empty /tmp, where the checkout may be.
	mkdir -p /run/systemd/system
	ln -s /dev/null /run/systemd/system/systemd-tmpfiles-setup.service
	container=sluice unshare --pid --fork --mount --mount-proc \
		/lib/systemd/systemd --unit=basic.target >/run/systemd.log 2>&1 &
	for ((i = 0; i < 120; i++)); do
		manager=$(pgrep -P "$!" || true)
		[[ -z $manager ]] || state=$(within systemctl is-system-running 2>/dev/null || true)
		[[ ! $state =~ ^(running|degraded)$ ]] || break
		sleep 1
	done
	[[ $state =~ ^(running|degraded)$ ]] || fail "the service manager does not come up: $state"

	local lacks=(within setpriv --bounding-set=-net_admin --inh-caps=-net_admin)
	fix=$(finds capability-missing 'this process lacks CAP_NET_ADMIN' "${lacks[@]}" cli_doctor)
	equals "$fix" 'systemd-run --quiet --wait --pipe cli_doctor'
	finds_no capability-missing "${lacks[@]}" bash -c "$fix"

	lacks=(within node --import=tsx "$DOCTOR/test/fixtures/filtered.ts")
	fix=$(finds seccomp 'a seccomp filter is on this process, and bpf() is refused although the capabilities are there' "${lacks[@]}" cli_doctor)
	equals "$fix" 'systemd-run --quiet --wait --pipe cli_doctor'
	finds_no seccomp "${lacks[@]}" bash -c "$fix"
}

# Where the service manager of service_manager is the first process.
within() {
	nsenter --target "$manager" --pid --mount --root "--wd=$DOCTOR" -- env "$@"
}

if (($#)); then
	"$1"
	exit
fi
SLUICE_KERNEL_SUITE=bullseye on_machine old_kernel 'an old kernel'
on_machine new_kernel 'the kernel that is installed in its place'
on_machine no_modules 'a kernel that loads no modules by itself'
SLUICE_KERNEL_PARAMETERS='lsm=lockdown lockdown=confidentiality' on_machine locked_down 'a locked down kernel'
on_machine service_manager 'a service manager'
printf '\nall of it was found and mended\n'
