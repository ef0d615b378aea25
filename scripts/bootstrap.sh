#!/usr/bin/env bash
# bootstrap.sh
#
# Makes a checkout ready to run, test and measure: installs the Debian packages
# that are missing, the npm packages, and builds everything. Does only what is
# not done yet, so it can be run before anything else, every time.
#
# Exit code: 0 ready, 1 a step failed, 4 the machine lacks something that
# cannot be installed here (no apt, not root, an old Node).
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

# What is needed → the Debian package that has it.
readonly NEEDS=(
	clang:clang
	llvm-strip:llvm
	clang-format:clang-format
	make:make
	bpftool:bpftool
	ip:iproute2
	tc:iproute2
	nft:nftables
	ethtool:ethtool
	ping:iputils-ping
	iperf3:iperf3
	tcpdump:tcpdump
	tshark:tshark
	curl:curl
	sysctl:procps
	strace:strace
	nc.openbsd:netcat-openbsd
	ncat:ncat
	socat:socat
	nmap:nmap
	prometheus:prometheus
	systemd-analyze:systemd
	setpriv:util-linux
	script:bsdutils
	sudo:sudo
	man:man-db
	mandoc:mandoc
	shellcheck:shellcheck
	shfmt:shfmt
	/usr/include/bpf/bpf_helpers.h:libbpf-dev
	/usr/include/linux/bpf.h:linux-libc-dev
	libbpf.so.1:libbpf1
)

die() {
	local code=$1
	shift
	printf 'bootstrap.sh: %s\n' "$*" >&2
	exit "$code"
}

# Prints the packages of what is missing, each once.
missing_packages() {
	local need
	for need in "${NEEDS[@]}"; do
		has "${need%:*}" || printf '%s\n' "${need##*:}"
	done | sort -u
}

has() {
	case $1 in
	/*) [[ -e $1 ]] ;;
	*.so.*) ldconfig -p | grep -F "$1" >/dev/null ;;
	# command -v also finds what cannot be executed.
	*) [[ -x $(command -v "$1" || true) ]] ;;
	esac
}

# Runs a command so that no package starts the service that it brings: tests start what they need.
without_services() {
	local policy=/usr/sbin/policy-rc.d result=0
	if [[ -e $policy ]]; then
		"$@"
		return
	fi
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	"$@" || result=$?
	rm -f "$policy"
	return "$result"
}

install_packages() {
	local packages
	mapfile -t packages < <(missing_packages)
	((${#packages[@]})) || return 0
	has apt-get ||
		die 4 "missing: ${packages[*]} (names of Debian packages), and there is no apt to install them; install what has them here"
	((EUID == 0)) ||
		die 4 "missing: ${packages[*]}; run as root, or apt-get install ${packages[*]}"
	printf 'installing %s\n' "${packages[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq || die 1 'apt-get update failed'
	without_services apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null ||
		die 1 "apt-get install ${packages[*]} failed"
}

check_node() {
	local version
	{ has node && has npm; } ||
		die 4 'no Node.js with npm here; install 20.19 or newer'
	version=$(node --version)
	[[ $(printf '%s\nv20.19.0\n' "$version" | sort -V | head -n 1) == v20.19.0 ]] ||
		die 4 "Node.js is $version; install 20.19 or newer"
}

# A copy of the lock file says what is installed.
install_modules() {
	cmp -s package-lock.json node_modules/.sluice-lock && return
	printf 'installing npm packages\n'
	npm ci --loglevel=error {lock}>&- || die 1 'npm ci failed'
	cp package-lock.json node_modules/.sluice-lock
}

build() {
	local log
	log=$(npx turbo run build --output-logs=errors-only --no-color 2>&1 {lock}>&-) || {
		printf '%s\n' "$log" >&2
		die 1 'the build failed'
	}
}

# Another one may be at work in this checkout: it does what we would do. What
# npm starts does not inherit the lock, so nothing that stays holds it.
exec {lock}<package-lock.json
flock "$lock"

install_packages
check_node
install_modules
build
