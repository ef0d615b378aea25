#!/usr/bin/env bash
# release-test.sh [<directory>]
#
# Packs every package to a tarball, installs the tarballs on a machine that has
# nothing but Debian's base system and Node, and runs them there: no compiler,
# no checkout. The machine is a directory made by debootstrap, entered by
# chroot in network and mount namespaces of its own. cli_doctor runs first:
# what it says is missing is installed by the commands that it prints.
#
# The tarballs stay in <directory> [default: none stay]. Takes some minutes and
# 500 MB; needs root, debootstrap, and Debian's and npm's servers.
#
# Environment
#   DEBIAN_MIRROR  [http://deb.debian.org/debian]
#   DEBIAN_SUITE   [bookworm]
#
# Exit code: 0 all of it runs, 1 something does not, 2 bad usage, 4 the
# environment cannot (not root, no debootstrap).
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

# shellcheck source=bare-root.sh
source scripts/bare-root.sh
# shellcheck source=tarballs.sh
source scripts/tarballs.sh

readonly CLIS=(cli_apply cli_cfg cli_fleet cli_tunnel cli_service cli_tables cli_doctor cli_explain cli_metrics cli_monitor cli_status
	tubectl udplb sk-lookup-attach sockmap-update)
readonly SCRIPTS=(attach_tc.sh detach_tc.sh reattach_tc.sh show_tc.sh)

make_root() {
	bare_root "$ROOT"
	# Node is a single file; npm installs into the root from outside.
	install -m 755 "$(readlink -f -- "$(command -v node)")" "$ROOT/usr/local/bin/node"
	npm install --loglevel=error --no-audit --no-fund \
		--global --prefix "$ROOT/usr/local" "$TARBALLS"/*.tgz
}

# Runs a script in the root as a machine of its own.
machine() {
	# shellcheck disable=SC2016 # meant for the inner shell
	unshare --net --mount bash -euo pipefail -c '
		mount -t sysfs sysfs "$1/sys"
		mount -t bpf bpf "$1/sys/fs/bpf"
		exec chroot "$1" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root bash -euo pipefail -c "$2"
	' machine "$ROOT" "$1"
}

test_nothing_else() {
	# shellcheck disable=SC2016
	inside '
		for program in clang gcc cc make tc bpftool npm; do
			! command -v "$program" >/dev/null || { echo "there is a $program" >&2; exit 1; }
		done
		for program; do
			[[ -x $(command -v "$program") ]] || { echo "no $program" >&2; exit 1; }
		done
	' "${CLIS[@]}" "${SCRIPTS[@]}"
}

# The findings about packages, mended by the commands that were printed.
test_doctor() {
	# shellcheck disable=SC2016
	inside '
		findings() {
			{ cli_doctor --json 2>/dev/null || true; } | node -e "
				const { findings } = JSON.parse(require(\"fs\").readFileSync(0, \"utf8\"));
				for (const { code, fix } of findings)
					if (/^(libbpf|iproute2)/.test(code)) console.log(code + \"\t\" + fix);
			"
		}
		findings
		[[ $(findings | cut -f 1) == $'"'libbpf-missing\\niproute2-missing'"' ]]
		apt-get update -qq
		# The first may bring what the second is about: ask again each time.
		while line=$(findings | head -n 1) && [[ -n $line ]]; do
			echo "# ${line#*$'"'\\t'"'}"
			sh -c "${line#*$'"'\\t'"'}" >/dev/null
		done
		[[ -z $(findings) ]]
	'
}

test_words() {
	# shellcheck disable=SC2016
	inside '
		for program; do
			"$program" --version >/dev/null
			"$program" --help | grep -q -- --json
			[[ -s /usr/local/share/man/man8/$program.8 ]] ||
				{ echo "no manual page of $program" >&2; exit 1; }
		done
		source /usr/local/lib/node_modules/@sluice/cli-tunnel/dist/completions/cli_tunnel.bash
		COMP_WORDS=(cli_tunnel "") COMP_CWORD=1 COMP_LINE="cli_tunnel " COMP_POINT=11
		_cli_tunnel
		[[ " ${COMPREPLY[*]} " == *" ping "* ]]
	' "${CLIS[@]}"
}

test_tunnel() {
	# shellcheck disable=SC2016
	machine '
		ip link set lo up
		ip link add eth0 type veth peer name far
		ip link set eth0 up
		ip link set far up
		ip address add 10.0.0.1/24 dev eth0
		attach_tc.sh eth0
		ip route add default via 10.0.0.2
		cli_cfg set 0 1 gue,dnat gateway
		cli_cfg set 1 1 proxy,snat gateway
		cli_tunnel set 1 10.0.0.1 6080 10.0.0.2 6080
		cli_service set 1 1 tcp 10.0.0.1 80 192.0.2.1 8080 1 key
		cli_explain --dev eth0 --dir egress --proto tcp 10.0.0.9:4000 192.0.2.1:8080 --syn |
			tee /root/explained
		grep -q "^outcome  encapsulated" /root/explained
		ip neighbor replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0
		echo 1 >/proc/sys/net/ipv4/ip_forward
		cli_doctor
		cli_service save | cli_service restore -
		cli_metrics serve 127.0.0.1 0 >/root/serving &
		trap "kill $!" EXIT
		until grep -q "^listening on" /root/serving; do kill -0 $! && sleep 0.1; done
		url=$(sed "s/listening on //" /root/serving)
		node -e "fetch(process.argv[1]).then(async (answer) => console.log(await answer.text()))" "$url" >/root/scraped
		grep -F "sluice_table_entries{table=\"map_tunnel\"} 1" /root/scraped
		kill $!
		wait $!
		trap - EXIT
		reattach_tc.sh eth0
		show_tc.sh eth0 >/dev/null
		cli_cfg stats
		detach_tc.sh eth0 --purge
	'
}

# A listener that prints its process and descriptor, and answers whom it is given.
write_listener() {
	cat >"$ROOT/root/listener.mjs" <<-'EOF'
		import { createServer } from "node:net";
		const server = createServer((socket) => socket.end(`${socket.localAddress}:${socket.localPort}`));
		server.listen(9999, "127.0.0.1", () => console.log(process.pid, server._handle.fd));
	EOF
	cat >"$ROOT/root/connect.mjs" <<-'EOF'
		import { connect } from "node:net";
		const [host, port] = process.argv.slice(2);
		const socket = connect({ host, port: Number(port), timeout: 5000 });
		socket.on("data", (text) => console.log(String(text)));
		socket.on("timeout", () => socket.destroy(new Error("no answer")));
		socket.on("error", ({ message }) => { console.log(message); process.exitCode = 1; });
	EOF
}

# tubectl's program and tables, first attached by tubectl, then by the two commands for programs of one's own.
test_steering() {
	write_listener
	# shellcheck disable=SC2016
	machine '
		cd /root
		answered() { [[ $(node connect.mjs 127.0.0.5 80) == 127.0.0.5:80 ]]; }
		refused() { ! node connect.mjs 127.0.0.5 80; }
		ip link set lo up
		tubectl load
		tubectl bind web tcp 127.0.0.0/24 80
		tubectl bindings | grep -q web
		state=$(echo /sys/fs/bpf/*_dispatcher)
		node listener.mjs >listening &
		trap "kill $!" EXIT
		until [[ -s listening ]]; do sleep 0.1; done
		read -r pid fd <listening
		tubectl register-pid "$pid" web tcp 127.0.0.1 9999
		answered
		tubectl unregister web ipv4 tcp
		# Without its link the program is attached to nothing.
		rm "$state/link"
		refused
		sk-lookup-attach "$state/program" /sys/fs/bpf/link
		refused
		sockmap-update "$pid" "$fd" "$state/sockets" 0
		answered
		rm /sys/fs/bpf/link
		refused
	'
}

# Sends to the balancer until what it forwards comes back, and prints from where.
write_relayed() {
	cat >"$ROOT/root/relayed.mjs" <<-'EOF'
		import { createSocket } from "node:dgram";
		const client = createSocket("udp4").bind(4000, "10.0.0.2");
		const upstream = createSocket("udp4").bind(2222, "10.0.0.2");
		const timer = setInterval(() => client.send("hello", 1111, "10.0.0.1"), 200);
		setTimeout(() => { console.log("nothing came"); process.exit(1); }, 10_000);
		upstream.once("message", (text, { address, port }) => {
			console.log(`${text} from ${address}:${port}`);
			process.exit();
		});
	EOF
}

test_relay() {
	write_relayed
	# shellcheck disable=SC2016
	machine '
		cd /root
		ip link set lo up
		ip link add eth0 type veth peer name far
		ip address add 10.0.0.1/24 dev eth0
		ip link set eth0 up
		unshare --net sleep 60 &
		far=$! && trap "kill $far" EXIT
		until [[ $(readlink /proc/$far/ns/net) != $(readlink /proc/self/ns/net) ]]; do sleep 0.1; done
		ip link set far netns "$far"
		there=(nsenter --target "$far" --net)
		"${there[@]}" ip address add 10.0.0.2/24 dev far
		"${there[@]}" ip link set far up
		printf "%s\n" "- key: {address: 10.0.0.1, port: 1111}" \
			"  options: {tc_action: block}" \
			"  upstream: [{address: 10.0.0.2, port: 2222}]" >config.yaml
		udplb -i eth0 -c config.yaml 2>udplb.log &
		balancer=$! && trap "kill $balancer $far" EXIT
		until grep -q serving udplb.log; do kill -0 "$balancer" && sleep 0.1; done
		"${there[@]}" node relayed.mjs | tee relayed
		[[ $(<relayed) == "hello from 10.0.0.1:4000" ]]
		udplb stats | tee stats
		grep -q "^10.0.0.1:1111 .* 10.0.0.2:2222 " stats
		kill "$balancer"
		wait "$balancer"
		[[ -z $(tc filter show dev eth0 ingress) ]]
		trap "kill $far" EXIT
	'
}

(($# <= 1)) || die 2 'at most one directory; see the head of this file'
((EUID == 0)) || die 4 'not permitted; run as root'
if [[ -z ${SLUICE_RELEASE_TEST:-} ]]; then
	# What is mounted below goes with this namespace, however we end.
	SLUICE_RELEASE_TEST=1 exec unshare --mount --propagation private "$(readlink -f -- "$0")" "$@"
fi

WORK=$(mktemp -d)
trap 'umount -R "$WORK/root/proc" "$WORK/root/dev" 2>/dev/null || true; rm -rf -- "$WORK"' EXIT
ROOT=$WORK/root
TARBALLS=${1:-$WORK/tarballs}
mkdir -p -- "$TARBALLS"
TARBALLS=$(readlink -f -- "$TARBALLS")

step 'build and pack'
npx turbo run build --output-logs=errors-only
pack_tarballs "$TARBALLS"
step 'a machine with Node'
make_root
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --make-rslave "$ROOT/dev"
step 'no compiler, every program'
test_nothing_else
step 'what cli_doctor says is missing'
test_doctor
step 'help, manual pages, completion'
test_words
step 'the tunnel'
test_tunnel
step 'steering'
test_steering
step 'the balancer'
test_relay
step 'all of it runs from the tarballs'
