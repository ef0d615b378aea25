# shellcheck shell=bash
# Packs what is published on npm. Sourced, never run.

# pack_tarballs DIRECTORY: a tarball of every workspace that has a bin and is not private.
pack_tarballs() {
	local manifest packages=()
	for manifest in packages/*/package.json; do
		node -e 'const p = require(process.argv[1]); process.exit(p.bin && !p.private ? 0 : 1)' "./$manifest" &&
			packages+=("--workspace=$(dirname -- "$manifest")")
	done
	npm pack --loglevel=error --pack-destination "$1" "${packages[@]}"
}
