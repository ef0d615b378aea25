#!/usr/bin/env bash
# bootstrap.sh [build|demo|fleet|bench|test]
#
# Makes a checkout ready for one purpose [default: build]: installs the Debian
# packages that it needs and that are missing, the npm packages, and builds
# everything. Does only what is not done yet, so it can be run before anything
# else, every time.
#
# Where Node.js is too old, a newer one is installed into the checkout, in
# scripts/node; the scripts here and the programs in bin/ use it, nothing else
# does. No service is enabled or started.
#
# Exit code: 0 ready, 1 a step failed, 2 no such purpose, 4 the machine lacks
# something that cannot be installed here (no apt, not root, no Node.js).
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
export PATH=${SLUICE_NODE:+$SLUICE_NODE:}$PWD/scripts/node/node_modules/.bin:/usr/sbin:/sbin:$PATH

readonly OLDEST_NODE=20.19.0

# What is needed → the Debian package that has it. Building includes running:
# the attach scripts and the programs are used where they are built.
readonly BUILD=(
	clang:clang
	make:make
	/usr/include/bpf/bpf_helpers.h:libbpf-dev
	/usr/include/linux/bpf.h:linux-libc-dev
	ip:iproute2
	tc:iproute2
	bpftool:bpftool
	libbpf.so.1:libbpf1
)
readonly DEMO=(
	nft:nftables
	curl:curl
	sysctl:procps
)
readonly FLEET=(
	"${DEMO[@]}"
	etcd:etcd-server
	etcdctl:etcd-client
	openssl:openssl
)
readonly BENCH=(
	nft:nftables
	sysctl:procps
	ethtool:ethtool
	iperf3:iperf3
	socat:socat
	etcd:etcd-server
)
readonly TEST=(
	"${FLEET[@]}"
	clang-format:clang-format
	ethtool:ethtool
	ping:iputils-ping
	tcpdump:tcpdump
	tshark:tshark
	strace:strace
	nc.openbsd:netcat-openbsd
	ncat:ncat
	socat:socat
	nmap:nmap
	prometheus:prometheus
	chromium:chromium
	systemd-analyze:systemd
	setpriv:util-linux
	script:bsdutils
	busybox:busybox
	openssl:openssl
	sudo:sudo
	/etc/services:netbase
	man:man-db
	mandoc:mandoc
	zsh:zsh
	fish:fish
	shellcheck:shellcheck
	shfmt:shfmt
)

die() {
	local code=$1
	shift
	printf 'bootstrap.sh: %s\n' "$*" >&2
	exit "$code"
}

# Prints the packages of what is missing of these needs, each once.
missing_packages() {
	local need
	for need in "$@"; do
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

install_packages() {
	local packages
	mapfile -t packages < <(missing_packages "$@")
	((${#packages[@]})) || return 0
	has apt-get ||
		die 4 "missing: ${packages[*]} (names of Debian packages), and there is no apt to install them; install what has them here"
	((EUID == 0)) ||
		die 4 "missing: ${packages[*]}; run as root, or apt-get install ${packages[*]}"
	printf 'installing %s\n' "${packages[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq || die 1 'apt-get update failed'
	apt-get install -y -qq --no-install-recommends \
		-o "DPkg::Path=$PWD/scripts/no-services:/usr/sbin:/usr/bin:/sbin:/bin" \
		"${packages[@]}" {lock}>&- >/dev/null ||
		die 1 "apt-get install ${packages[*]} failed"
}

ensure_node() {
	{ has node && has npm; } ||
		die 4 "no Node.js with npm here; install $OLDEST_NODE or newer (Debian's nodejs and npm will do)"
	is_old_node || return 0
	printf 'Node.js %s is too old; installing a newer one into scripts/node\n' "$(node --version)"
	npm --prefix scripts/node ci --ignore-scripts --loglevel=error {lock}>&- ||
		die 1 'npm ci in scripts/node failed'
	hash -r
	! is_old_node || die 4 "Node.js $(node --version) is too old, and there is no newer one for this machine on npm; install $OLDEST_NODE or newer"
	# With bin/ first in PATH, the programs there find it.
	ln -sfn ../scripts/node/node_modules/.bin/node bin/node
}

is_old_node() {
	[[ $(printf '%s\n%s\n' "$(node --version)" "v$OLDEST_NODE" | sort -V | head -n 1) != "v$OLDEST_NODE" ]]
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

purpose=${1:-build}
needs=("${BUILD[@]}")
case $purpose in
build) ;;
demo) needs+=("${DEMO[@]}") ;;
fleet) needs+=("${FLEET[@]}") ;;
bench) needs+=("${BENCH[@]}") ;;
test) needs+=("${TEST[@]}") ;;
*) die 2 "no purpose \"$purpose\"; there are build, demo, fleet, bench and test" ;;
esac

# Another one may be at work in this checkout: it does what we would do. What
# npm starts does not inherit the lock, so nothing that stays holds it.
exec {lock}<package-lock.json
flock "$lock"

ensure_node
install_packages "${needs[@]}"
install_modules
build
