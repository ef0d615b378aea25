#!/usr/bin/env bash
# test-package.sh
#
# Builds the Debian packages, installs them on a Debian that has nothing but
# its base system and systemd, boots that with systemd as process 1 in
# namespaces of its own, and runs the demo there with the units: a client, the
# booted machine as gateway, a NAT and a node. Boots again, upgrades, and
# purges: nothing may be left. Then make install and make uninstall.
#
# Takes some minutes and 1 GB; needs root, debootstrap, and Debian's and npm's
# servers. systemd runs as in a container: it starts no udev trigger, sets no
# clock and no kernel parameter.
#
# Environment: see bare-root.sh
#
# Exit code: 0 all of it works, 1 something does not, 4 the environment cannot.
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

# shellcheck source=bare-root.sh
source scripts/bare-root.sh

# --- a machine with systemd ---------------------------------------------------

# Runs as process 1's parent, in new namespaces: mounts what a machine has, and becomes systemd.
# shellcheck disable=SC2016 # meant for the inner shell
readonly BOOT='
	set -eu
	cd "$1"
	mount --bind . .
	cd "$1"
	mount -t proc proc proc
	mount -t sysfs sysfs sys
	mount -t cgroup2 cgroup sys/fs/cgroup
	mount -t bpf bpf sys/fs/bpf
	mount -t tmpfs run run
	mount -t tmpfs dev dev
	mkdir dev/pts dev/shm dev/mqueue
	for device in null zero full random urandom tty; do
		touch "dev/$device"
		mount --bind "/dev/$device" "dev/$device"
	done
	ln -s /proc/self/fd dev/fd
	ln -s /dev/null dev/console
	ln -s pts/ptmx dev/ptmx
	mount -t devpts devpts dev/pts
	ip link set lo up
	mkdir -p .old
	pivot_root . .old
	umount -l /.old
	exec env -i container=sluice PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init
'

boot() {
	mkdir -p "$CGROUP/machine"
	unshare --net --mount --pid --uts --ipc --cgroup --propagation private --fork --kill-child \
		bash -c "echo 0 >'$CGROUP/machine/cgroup.procs'; exec unshare --cgroup bash -c \"\$@\"" \
		boot "$BOOT" boot "$ROOT" </dev/null >"$WORK/console" 2>&1 &
	KEEPER=$!
	until INIT=$(pgrep -P "$KEEPER") && [[ $(<"/proc/$INIT/comm") == systemd ]]; do
		kill -0 "$KEEPER" || die 1 "the machine did not come up: $(<"$WORK/console")"
		sleep 0.2
	done
	until on 'systemctl is-active --quiet multi-user.target'; do sleep 0.2; done 2>/dev/null
}

stop() {
	[[ -z ${KEEPER:-} ]] || kill -9 "$KEEPER" 2>/dev/null || true
	wait "${KEEPER:-}" 2>/dev/null || true
	KEEPER=
	until rmdir "$CGROUP"/machine/*/ "$CGROUP/machine" 2>/dev/null || [[ ! -e $CGROUP/machine ]]; do
		find "$CGROUP/machine" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
	done
}

# on SCRIPT [ARGUMENT…]: runs a script on the booted machine.
on() {
	nsenter --target "$INIT" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
		/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
		bash -euo pipefail -c "$1" on "${@:2}"
}

# --- what is run there --------------------------------------------------------

# Installing without a Node.js that is new enough must fail, and say which is needed.
install_packages() {
	local output
	# shellcheck disable=SC2016
	inside '
		apt-get install -y -qq --no-install-recommends nodejs >/dev/null
		node --version
		find / -xdev -name node -prune -o -print | sort >/root/before
	'
	if output=$(inside 'apt-get install -y --no-install-recommends /root/sluice_*.deb' 2>&1); then
		die 1 'installed without a Node.js that is new enough'
	fi
	grep 'nodejs (>= 20.19)' <<<"$output"
	# shellcheck disable=SC2016
	inside '
		apt-get install -y -qq --no-install-recommends /root/sluice_*.deb /root/sluice-node_*.deb 2>&1 | tail -n 2
		cli_tunnel --version
		tubectl --help | grep -q register-pid
		cd /usr/bin
		./cli_cfg --help | grep -q dump
		./attach_tc.sh --help | grep -q SLUICE_BPF_DIR
		[[ -s /usr/share/man/man8/attach_tc.sh.8.gz && -s /usr/share/man/man8/cli_tunnel.8.gz ]]
		[[ $(stat -c %a /etc/sluice) == 700 ]]
		[[ $(find /usr/lib/sluice -name "koffi*.node" -o -name koffi -type d -path "*/node_modules/koffi" | wc -l) -ge 1 ]]
		[[ $(find / -xdev -type d -path "*/node_modules/koffi" | wc -l) == 1 ]]
	'
}

write_server() {
	cat >"$ROOT/root/server.mjs" <<-'EOF'
		import { createServer } from "node:http";
		createServer((_, answer) => answer.end("hello from the node\n")).listen(8080, "192.168.7.2");
	EOF
	cat >"$ROOT/root/request.mjs" <<-'EOF'
		const answer = await fetch("http://203.0.113.10/", { signal: AbortSignal.timeout(2000) });
		process.stdout.write(await answer.text());
	EOF
}

# client 198.51.100.2 – gateway 203.0.113.2 – NAT – node 192.168.7.2. The gateway is the booted machine.
make_network() {
	# shellcheck disable=SC2016
	on '
		for host in client nat node; do
			ip netns add "$host"
			ip -n "$host" link set lo up
		done
		link() { ip link add "$1" type veth peer name "$2"; }
		link gw0 client0 && ip link set client0 netns client
		link gw1 nat0 && ip link set nat0 netns nat
		ip -n nat link add nat1 type veth peer name node0 netns node
		up() { ip ${1:+-n "$1"} address add "$3" dev "$2" && ip ${1:+-n "$1"} link set "$2" up; }
		up "" gw0 198.51.100.1/24
		up "" gw1 203.0.113.2/24
		up client client0 198.51.100.2/24
		up nat nat0 203.0.113.77/24
		up nat nat1 192.168.7.1/24
		up node node0 192.168.7.2/24
		ip -n client route add default via 198.51.100.1
		ip -n nat route add default via 203.0.113.2
		ip -n node route add default via 192.168.7.1
		ip route add default via 203.0.113.77
		echo 1 >/proc/sys/net/ipv4/ip_forward
		ip netns exec nat sh -c "
			echo 1 >/proc/sys/net/ipv4/ip_forward
			nft add table nat
			nft add chain nat post { type nat hook postrouting priority 100 \; }
			nft add rule nat post oifname nat0 masquerade"
		# systemd reads which devices are there: no udev trigger has run.
		udevadm settle
		systemctl daemon-reload
	'
}

# The node by hand, as the README has it.
start_node() {
	# shellcheck disable=SC2016
	on '
		nsenter --net=/run/netns/node unshare --mount bash -euo pipefail -c "
			mount -t bpf bpf /sys/fs/bpf
			attach_tc.sh node0
			cli_cfg set 0 2 gue node
			cli_cfg set 1 2 fib node
			cli_tunnel set 100 192.168.7.2 6080 203.0.113.2 6080
			cli_service set 1 2 tcp 203.0.113.10 80 192.168.7.2 8080 100 Pa55w0rd1234567
			PATH=/usr/lib/sluice/node/bin:\$PATH node /root/server.mjs &
			exec cli_tunnel ping 100 --interval 1
		" >/run/node.log 2>&1 </dev/null &
	'
}

test_request() {
	# shellcheck disable=SC2016
	on '
		for ((i = 0; i < 60; i++)); do
			[[ $(cli_tunnel get 100) != *"0.0.0.0:0"* ]] && break
			sleep 0.5
		done
		cli_tunnel get 100
		# The backend may have to start.
		for ((i = 0; i < 10; i++)); do
			PATH=/usr/lib/sluice/node/bin:$PATH ip netns exec client node /root/request.mjs >/run/answer && break
			sleep 1
		done
		cat /run/answer
		grep -qx "hello from the node" /run/answer
		cli_cfg stats | grep -E "encapsulated|decapsulated"
	'
}

# The gateway by its units, from files as save prints them.
test_gateway() {
	write_server
	make_network
	start_node
	# shellcheck disable=SC2016
	on '
		echo "set 100 203.0.113.2 6080 0 0" >/etc/sluice/tunnel
		echo "set 1 2 tcp 203.0.113.10 80 192.168.7.2 8080 100 Pa55w0rd1234567" >/etc/sluice/service
		printf "%s\n" "set 0 1 gue,dnat gateway" "set 1 1 proxy,snat,fib gateway" >/etc/sluice/cfg
		# Proxy and backend addresses are routed through the gateway.
		ip route replace 192.168.7.0/24 dev gw1 via 203.0.113.77
		systemctl enable --now sluice-attach@gw0 sluice-attach@gw1 sluice-metrics 2>&1
		systemctl is-active sluice-attach@gw0 sluice-attach@gw1 sluice-restore sluice-metrics
		journalctl --no-pager --output=cat -u "sluice-attach@*" -u sluice-restore | grep -E "attached|rows written"
	'
	test_request
}

test_units() {
	# shellcheck disable=SC2016
	on '
		# A ping of its own, and a relay, under their restrictions.
		ip neighbor replace 203.0.113.77 lladdr "$(ip netns exec nat cat /sys/class/net/nat0/address)" dev gw1
		mkdir -p /etc/udplb
		printf "%s\n" "- key: {address: 198.51.100.1, port: 1111}" \
			"  options: {tc_action: block}" \
			"  upstream: [{address: 203.0.113.77, port: 2222}]" >/etc/udplb/gw0.yaml
		systemctl start sluice-ping udplb@gw0
		for ((i = 0; i < 60; i++)); do
			udplb stats >/dev/null 2>&1 && break
			sleep 0.5
		done
		systemctl reload udplb@gw0 sluice-attach@gw0
		systemctl is-active sluice-ping udplb@gw0 sluice-attach@gw0
		udplb stats
		for unit in sluice-attach@gw0 sluice-restore sluice-ping sluice-metrics udplb@gw0; do
			score=$(systemd-analyze security --no-pager "$unit" | sed -n "s/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p")
			echo "$unit $score"
			[[ $(printf "%s\n3.0\n" "$score" | sort -g | tail -n 1) == 3.0 ]]
		done
		PATH=/usr/lib/sluice/node/bin:$PATH node -e "fetch(\"http://127.0.0.1:9435/metrics\").then(async (a) => console.log(await a.text()))" |
			grep "^sluice_table_entries{table=\"map_tunnel\"} 1"
		[[ -z $(systemctl --failed --no-legend) ]]
		systemctl stop sluice-ping udplb@gw0
		# By tcx, as docs/operations.md has it.
		! cli_tables hooks || {
			mkdir -p /etc/systemd/system/sluice-attach@gw0.service.d
			printf "%s\n" "[Service]" ExecStart= "ExecStart=/usr/bin/attach_tc.sh %I --tcx" \
				>/etc/systemd/system/sluice-attach@gw0.service.d/tcx.conf
			systemctl daemon-reload
			systemctl restart sluice-attach@gw0
			systemctl reload sluice-attach@gw0
			(($(show_tc.sh gw0 | grep -c "tcx program .* pfc_") == 2))
		}
	'
	test_request
}

test_reboot() {
	stop
	boot
	make_network
	start_node
	# shellcheck disable=SC2016
	on '
		ip route replace 192.168.7.0/24 dev gw1 via 203.0.113.77
		# Enabled, they wait for their devices.
		for ((i = 0; i < 60; i++)); do
			systemctl is-active --quiet sluice-restore && break
			systemctl start sluice-attach@gw0 sluice-attach@gw1
		done
		systemctl is-active sluice-attach@gw0 sluice-attach@gw1 sluice-restore sluice-metrics
	'
	test_request
}

# The new programs take the old ones' place while the tables stay.
test_upgrade() {
	# shellcheck disable=SC2016
	on '
		dpkg -i /root/sluice_*.deb >/dev/null
		systemctl reload sluice-attach@gw0 sluice-attach@gw1
	'
	test_request
}

test_purge() {
	# shellcheck disable=SC2016
	on '
		apt-get purge -y -qq sluice sluice-node 2>&1 | tail -n 3
		{
			tc filter show dev gw0 ingress
			tc filter show dev gw1 egress
			# The kernel puts two iterators of its own into each bpffs.
			find /sys/fs/bpf -type f -not -name "*.debug"
			systemctl list-units --no-legend "sluice*" "udplb*"
		} | tee /root/left
		[[ ! -s /root/left ]]
		rm -rf /etc/udplb /etc/systemd/system/sluice-attach@gw0.service.d # written here, not by the package
		find / -xdev -name node -prune -o -print | sort |
			grep -E -v "^/(root|run|tmp|var/(log|cache|lib/(apt|dpkg|systemd|dbus|ucf)))(/|$)" >/root/after
		comm -13 /root/before /root/after | grep -v -F -x -f <(dpkg --get-selections | cut -f 1) >/root/left || true
		grep -i -E "sluice|cli_|tubectl|udplb|koffi|_tc\.sh" /root/left && exit 1
		cat /root/left
	'
}

test_make_install() {
	local place=$WORK/place
	make -s install DESTDIR="$place" PREFIX=/opt/sluice
	"$place/opt/sluice/bin/cli_tunnel" --version
	"$place/opt/sluice/bin/attach_tc.sh" --help | grep -q SLUICE_BPF_DIR
	grep -q '^ExecStart=/opt/sluice/bin/attach_tc.sh' "$place"/opt/sluice/lib/systemd/system/sluice-attach@.service
	make -s uninstall DESTDIR="$place" PREFIX=/opt/sluice
	[[ -z $(find "$place" -not -type d) ]]
}

(($# == 0)) || die 2 'takes no arguments; see the head of this file'
((EUID == 0)) || die 4 'not permitted; run as root'
if [[ -z ${SLUICE_TEST_PACKAGE:-} ]]; then
	# What is mounted below goes with this namespace, however we end.
	SLUICE_TEST_PACKAGE=1 exec unshare --mount --propagation private "$(readlink -f -- "$0")"
fi

WORK=$(mktemp -d) ROOT=$WORK/root CGROUP=$WORK/cgroup/sluice-$$
trap 'stop; rmdir "$CGROUP"; umount "$WORK/cgroup"; rm -rf -- "$WORK"' EXIT
mkdir "$WORK/cgroup"
mount -t cgroup2 cgroup2 "$WORK/cgroup"
mkdir "$CGROUP"

step 'build'
scripts/bootstrap.sh
scripts/package.sh dist
step 'a machine with systemd'
bare_root "$ROOT" systemd-sysv udev dbus nftables procps
cp dist/sluice_*.deb dist/sluice-node_*.deb "$ROOT/root/"
systemctl --root="$ROOT" mask systemd-udev-trigger systemd-sysctl systemd-modules-load \
	getty.target console-getty >/dev/null 2>&1
step 'install'
install_packages
step 'the demo, the gateway by its units'
boot
test_gateway
step 'every unit, under its restrictions'
test_units
step 'boot again'
test_reboot
step 'upgrade'
test_upgrade
step 'purge'
test_purge
stop
step 'make install and uninstall'
test_make_install
step 'all of it works'
