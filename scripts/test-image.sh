#!/usr/bin/env bash
# test-image.sh
#
# Builds the OCI image and runs it with runc, in a network namespace of its
# own and with the capabilities that examples/kubernetes gives it: attaches,
# programs the tables, explains a packet, and detaches from inside.
#
# Needs root, debootstrap, umoci and runc.
# Environment: see bare-root.sh
#
# Exit code: 0 it works, 1 something does not, 4 the environment cannot.
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

# shellcheck source=bare-root.sh
source scripts/bare-root.sh

# What runs in the container.
readonly SESSION='
	ip link add eth0 type veth peer name far
	ip address add 10.0.0.1/24 dev eth0
	ip link set eth0 up
	ip link set far up
	attach_tc.sh eth0
	cli_cfg set 1 1 proxy,snat gateway
	cli_tunnel set 1 10.0.0.1 6080 10.0.0.2 6080
	cli_service set 1 1 tcp 10.0.0.1 80 192.0.2.1 8080 1 key
	cli_explain --dev eth0 --dir egress --proto tcp 10.0.0.9:4000 192.0.2.1:8080 --syn | grep "^outcome  encapsulated"
	tubectl load
	tubectl unload
	detach_tc.sh eth0 --purge
'

# Turns the runtime's configuration into one with a shell script and our rights.
write_config() {
	# shellcheck disable=SC2016 # JavaScript
	node -e '
		const [file, session] = process.argv.slice(1);
		const fs = require("fs");
		const config = JSON.parse(fs.readFileSync(file));
		const names = ["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON", "CAP_SYS_ADMIN"];
		config.process.terminal = false;
		config.process.args = ["bash", "-euo", "pipefail", "-c", session];
		for (const set of ["bounding", "effective", "permitted"])
			config.process.capabilities[set] = names;
		delete config.process.capabilities.ambient;
		delete config.process.capabilities.inheritable;
		config.mounts.push({ destination: "/sys/fs/bpf", type: "bpf", source: "bpf", options: ["rw"] });
		fs.writeFileSync(file, JSON.stringify(config));
	' "$WORK/bundle/config.json" "$SESSION"
}

(($# == 0)) || die 2 'takes no arguments; see the head of this file'
((EUID == 0)) || die 4 'not permitted; run as root'
command -v runc >/dev/null || die 4 'no runc here; apt-get install runc'
WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
scripts/bootstrap.sh
scripts/package.sh dist
scripts/image.sh dist
step 'the image in a container'
mkdir "$WORK/image"
tar -C "$WORK/image" -xf dist/sluice_*_oci.tar
umoci unpack --image "$WORK/image:$(node -p 'require("./package.json").version')" "$WORK/bundle"
write_config
runc --root "$WORK/state" run --bundle "$WORK/bundle" "sluice-test-$$" </dev/null
step 'all of it works'
