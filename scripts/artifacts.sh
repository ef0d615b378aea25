#!/usr/bin/env bash
# artifacts.sh [<directory>]
#
# Builds all that a release has: a tarball of each package, the Debian
# packages, the OCI image, SHA256SUMS over them, and NOTES.md, the newest
# section of CHANGELOG.md.
#
# <directory>  where it goes (dist/); files of an earlier version must not be there
#
# Exit code: 0 built, 1 failed, 2 bad usage, 4 the environment cannot.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
export PATH=$PWD/scripts/node/node_modules/.bin:$PATH

# shellcheck source=tarballs.sh
source scripts/tarballs.sh

(($# <= 1)) || {
	printf 'artifacts.sh: at most one directory; see the head of this file\n' >&2
	exit 2
}
out=${1:-dist}
mkdir -p -- "$out"
scripts/bootstrap.sh
pack_tarballs "$out"
scripts/package.sh "$out"
scripts/image.sh "$out"
cd -- "$out"
sha256sum -- *.tgz *.deb *.tar >SHA256SUMS
awk '/^## /{ if (found) exit; found = 1; next } found' "$OLDPWD/CHANGELOG.md" >NOTES.md
