#!/usr/bin/env bash
# release.sh <version>
#
# Makes a release of this checkout: sets the version in every package.json,
# dates the newest section of CHANGELOG.md, runs every test there is, and makes
# the commit and the tag. Pushes nothing: the last line says what to push.
#
# Exit code: 0 tagged, 1 a test failed or the checkout is not clean, 2 bad usage.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
export PATH=$PWD/scripts/node/node_modules/.bin:$PATH

die() {
	printf 'release.sh: %s\n' "$2" >&2
	exit "$1"
}

(($# == 1)) || die 2 'name the version; see the head of this file'
version=$1
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die 2 "the version must be like 1.2.3, got \"$version\""
[[ -z $(git status --porcelain) ]] || die 1 'there are uncommitted changes'
! git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null || die 1 "there is a tag v$version already"
grep -q "^## $version, unreleased$" CHANGELOG.md || die 1 "CHANGELOG.md has no section \"## $version, unreleased\""

scripts/bootstrap.sh test
node scripts/set-version.mjs "$version"
npm install --package-lock-only --loglevel=error
sed -i "s/^## $version, unreleased$/## $version, $(date +%F)/" CHANGELOG.md
.ci/run
scripts/test-kernel.sh
scripts/release-test.sh
scripts/test-package.sh
scripts/test-image.sh
git commit --quiet --all --allow-empty --message "release: $version"
git tag --annotate --message "Sluice $version" "v$version"
printf 'git push origin main v%s\n' "$version"
