#!/usr/bin/env bash
# image.sh [<directory>]
#
# Packs the Debian packages that package.sh has built into an OCI image,
# without a daemon: Debian's base system, iproute2, libbpf, Node.js and Sluice.
# For podman, docker, skopeo or a registry:
#
#   skopeo copy oci-archive:dist/sluice_<version>_oci.tar docker://…
#   podman load -i dist/sluice_<version>_oci.tar
#
# <directory>  where the packages are and the image is written (dist/)
#
# Needs root, debootstrap and umoci, and Debian's server.
# Environment: see bare-root.sh
#
# Exit code: 0 built, 1 failed, 2 bad usage, 4 the environment cannot.
set -euo pipefail
export PATH=/usr/sbin:/sbin:$PATH
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

# shellcheck source=bare-root.sh
source scripts/bare-root.sh

# The system with the packages, without what no container reads.
make_root() {
	bare_root "$ROOT"
	cp "$OUT/sluice_${VERSION}_amd64.deb" "$OUT"/sluice-node_*_amd64.deb "$ROOT/tmp/"
	inside '
		printf "path-exclude %s\n" "/usr/share/man/*" "/usr/share/locale/*" >/etc/dpkg/dpkg.cfg.d/image
		apt-get install -y -qq --no-install-recommends /tmp/*.deb >/dev/null 2>&1
		apt-get clean
		rm -rf /tmp/* /var/lib/apt/lists/* /var/log/* /var/cache/* /usr/share/man /usr/share/locale /etc/resolv.conf
	' || die 1 'the packages cannot be installed'
}

pack_image() {
	local image=$WORK/image:$VERSION
	umoci init --layout "$WORK/image"
	umoci new --image "$image"
	umoci insert --image "$image" "$ROOT" / >/dev/null
	umoci config --image "$image" --architecture amd64 --os linux \
		--config.cmd cli_doctor \
		--config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		--config.label org.opencontainers.image.title=sluice \
		--config.label "org.opencontainers.image.version=$VERSION" \
		--config.label org.opencontainers.image.licenses=Apache-2.0
	umoci gc --layout "$WORK/image" >/dev/null
	tar -C "$WORK/image" -cf "$OUT/sluice_${VERSION}_oci.tar" .
	printf '%s\n' "$OUT/sluice_${VERSION}_oci.tar"
}

(($# <= 1)) || die 2 'at most one directory; see the head of this file'
command -v umoci >/dev/null || die 4 'no umoci here; apt-get install umoci'
OUT=$(readlink -f -- "${1:-dist}")
VERSION=$(sed -n 's/^\t"version": "\(.*\)",$/\1/p' package.json)
[[ -e $OUT/sluice_${VERSION}_amd64.deb ]] || die 1 "no sluice_${VERSION}_amd64.deb in $OUT; run package.sh first"
WORK=$(mktemp -d) ROOT=$WORK/root
trap 'rm -rf -- "$WORK"' EXIT
make_root
pack_image
