#!/usr/bin/env bash
# test-kernel.sh [COMMAND…]
#
# Runs a command, by default the checks below and then those of
# test-kernel-doctor.sh, under Debian's own kernel (6.1 on Debian 12), the
# oldest that is supported. The kernel is booted by qemu with this machine's
# files as they are, read only, and a RAM disk over them, so nothing of this
# machine is touched. Emulated in software it takes some minutes, which is why
# test.sh does not do it.
#
# Environment
#   SLUICE_KERNEL_SUITE       Debian's release whose kernel it is (this machine's)
#   SLUICE_KERNEL_PARAMETERS  added to the kernel's command line
#   SLUICE_KERNEL_DIR         where the kernel's package is unpacked and kept
#                             (~/.cache/sluice/kernel); with -SUITE behind it
#                             where one is named
#   SLUICE_QEMU_ACCEL         qemu's accelerator (tcg); kvm where it works
#   DEBIAN_MIRROR             [http://deb.debian.org/debian]
#
# Exit code: the command's, 1 where the machine did not come up, 4 where
# something cannot be installed.
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
TREE=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/..")
readonly TREE SUITE=${SLUICE_KERNEL_SUITE:-}
readonly KEPT=${SLUICE_KERNEL_DIR:-$HOME/.cache/sluice/kernel}${SUITE:+-$SUITE}

# In the order in which they must be loaded.
readonly MODULES=(
	virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
	netfs fscache 9pnet 9pnet_virtio 9p overlay
)

# What is checked where no command is given.
# shellcheck disable=SC2016 # meant for the inner shell
readonly CHECKS='
	set -eux
	uname -r
	mount -t bpf bpf /sys/fs/bpf
	for object in bpf/dist/*.o; do
		bpftool prog loadall "$object" /sys/fs/bpf/loaded
		rm -rf /sys/fs/bpf/loaded
	done
	umount /sys/fs/bpf
	scripts/check.sh
	npm test -w tests -- --timeout=30m "packets/**/*.test.ts"
	npm test -w packages/maps -- --timeout=30m
'

die() {
	printf 'test-kernel.sh: %s\n' "$2" >&2
	exit "$1"
}

install_packages() {
	local missing=()
	command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
	command -v cpio >/dev/null || missing+=(cpio)
	command -v depmod >/dev/null || missing+=(kmod)
	[[ -x /usr/bin/busybox ]] && ! ldd /usr/bin/busybox >/dev/null 2>&1 || missing+=(busybox-static)
	((${#missing[@]})) || return 0
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null ||
		die 4 "cannot install ${missing[*]}"
}

# Unpacks the kernel's package into KEPT, without installing it.
fetch_kernel() {
	local package apt=()
	[[ -e $KEPT/version ]] && return
	mkdir -p -- "$KEPT"
	[[ -z $SUITE ]] || other_release
	package=$(apt-cache "${apt[@]}" depends linux-image-amd64 | awk '$1 == "Depends:" { print $2; exit }')
	[[ -n $package ]] || die 4 'no linux-image-amd64 among the packages; apt-get update first'
	(cd -- "$KEPT" && apt-get "${apt[@]}" download -qq "$package" 2>/dev/null) || die 4 "cannot download $package"
	dpkg-deb -x "$KEPT/$package"_*.deb "$KEPT"
	rm -- "$KEPT/$package"_*.deb
	depmod -b "$KEPT" "${package#linux-image-}"
	printf '%s\n' "${package#linux-image-}" >"$KEPT/version"
}

# Has apt read another release's packages, and keeps them apart from this machine's.
other_release() {
	local lists=$KEPT/apt
	mkdir -p -- "$lists"/{lists,cache}
	printf 'deb %s %s main\n' "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" "$SUITE" >"$lists/sources.list"
	apt=(
		-o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o "Dir::State::lists=$lists/lists" -o "Dir::Cache=$lists/cache"
	)
	apt-get "${apt[@]}" update -qq || die 4 "cannot read the packages of $SUITE"
}

# Prints the init of the initial RAM disk.
write_init() {
	cat <<-'EOF'
		#!/bin/busybox sh
		export PATH=/bin
		busybox mount -t proc proc /proc
		busybox --install -s /bin
		mount -t devtmpfs dev /dev
		while read -r module; do
			insmod "/modules/$module.ko"
		done </modules/order
		mkdir -p /host /over /root
		mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host
		mount -t tmpfs -o size=75% over /over
		mkdir /over/upper /over/work
		mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work over /root
		mount -t proc proc /root/proc
		mount -t sysfs sys /root/sys
		mount -t tmpfs run /root/run
		mount -t devtmpfs dev /root/dev
		ln -s /proc/self/fd /root/dev/fd
		mkdir -p /root/dev/shm /root/lib/modules
		mount -t tmpfs shm /root/dev/shm
		version=$(uname -r)
		mkdir -p "/root/lib/modules/$version"
		kept=$(cat /kept)
		mount --bind "/root$kept/lib/modules/$version" "/root/lib/modules/$version"
		cp /command /root/run/command
		ip link set lo up
		chroot /root /bin/bash /run/command </dev/null
		echo "exit code $?" >/dev/ttyS1
		poweroff -f
	EOF
}

# Makes the initial RAM disk: busybox, the modules to reach the files, and what to run.
make_initrd() {
	local root=$1/root version module
	shift
	version=$(<"$KEPT/version")
	mkdir -p "$root"/{bin,sbin,proc,dev,modules}
	# The kernel asks for modules here and not in the tests' root.
	printf '#!/bin/busybox sh\nexec chroot /root /sbin/modprobe "$@"\n' >"$root/sbin/modprobe"
	chmod +x "$root/sbin/modprobe"
	cp /usr/bin/busybox "$root/bin/"
	write_init >"$root/init"
	chmod +x "$root/init"
	printf '%s\n' "$KEPT" >"$root/kept"
	: >"$root/modules/order"
	for module in "${MODULES[@]}"; do
		local file
		file=$(find "$KEPT/lib/modules/$version" -name "$module.ko" -print -quit)
		# Built into the kernel, some of them are no files.
		[[ -n $file ]] || continue
		cp -- "$file" "$root/modules/"
		printf '%s\n' "$module" >>"$root/modules/order"
	done
	{
		printf 'export HOME=/root REQUIRE_BPF=1 CI=true PATH=%q\ncd %q\n' "$PATH" "$TREE"
		if (($#)); then printf '%q ' "$@"; else printf '%s' "$CHECKS"; fi
		printf '\n'
	} >"$root/command"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$root/../initrd"
}

# no_timer_check: on a busy machine the emulated timer is late, and the kernel
# takes it for broken.
boot() {
	local scratch=$1
	qemu-system-x86_64 -accel "${SLUICE_QEMU_ACCEL:-tcg}" -m 4G -smp 2 -nodefaults -no-reboot -display none \
		-kernel "$KEPT/boot/vmlinuz-$(<"$KEPT/version")" -initrd "$scratch/initrd" \
		-append "console=ttyS0 quiet panic=-1 no_timer_check ${SLUICE_KERNEL_PARAMETERS:-}" \
		-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
		-serial stdio -serial "file:$scratch/result"
}

install_packages
"$TREE/scripts/bootstrap.sh"
fetch_kernel
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
make_initrd "$scratch" "$@"
boot "$scratch" </dev/null
code=$(sed -n 's/^exit code \([0-9]*\).*/\1/p' "$scratch/result")
[[ -n $code ]] || die 1 'the machine ended without running the command'
((code == 0 && $# == 0)) || exit "$code"
"$TREE/scripts/test-kernel-doctor.sh"
