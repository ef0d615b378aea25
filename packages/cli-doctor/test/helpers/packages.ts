import type { Machine } from "@sluice/testbed/site";

/**
 * Gives a machine a package system of its own: what is installed and removed is gone with it. Its one archive has
 * these packages, made of the files that are installed, so nothing is fetched from anywhere.
 */
export const ownPackages = (one: Machine, ...packages: string[]) =>
	one.sh(
		`mkdir ${one.bin}/over
		mount -t tmpfs none ${one.bin}/over
		for place in usr etc var; do
			mkdir ${one.bin}/over/$place ${one.bin}/over/$place.work
			mount -t overlay -o lowerdir=/$place,upperdir=${one.bin}/over/$place,workdir=${one.bin}/over/$place.work overlay /$place
		done
		mkdir /var/archive
		for package in ${packages.join(" ")}; do
			tree=/var/archive/tree
			mkdir -p $tree/DEBIAN
			dpkg-query --listfiles $package | while read -r file; do [ -d "$file" ] || echo "$file"; done |
				tar --create --files-from=- 2>/dev/null | tar --extract --directory=$tree
			dpkg-query --status $package | sed '/^Status:/d; /^Conffiles:/,/^[^ ]/{/^Conffiles:/d; /^ /d}' >$tree/DEBIAN/control
			dpkg-deb --root-owner-group -Znone --build $tree /var/archive/$package.deb >/dev/null
			rm -r $tree
			cd /var/archive
			dpkg-deb --field $package.deb >>Packages
			echo "Filename: ./$package.deb\nSize: $(stat -c %s $package.deb)\nSHA256: $(sha256sum $package.deb | cut -d ' ' -f 1)\n" >>Packages
			cd /
		done
		rm -rf /etc/apt/sources.list.d/*
		echo 'deb [trusted=yes] file:/var/archive ./' >/etc/apt/sources.list
		apt-get update -qq`,
	);

/** Installs a package of this name that is older than any, with a program made of these lines of shell. */
export const installOlder = (
	one: Machine,
	name: string,
	program: string,
	script: string,
) =>
	one.sh(
		`tree=$(mktemp -d)
		mkdir -p $tree/DEBIAN $tree/$(dirname ${program})
		printf '%s\\n' '#!/bin/sh' '${script}' >$tree/${program}
		chmod 755 $tree $tree/${program}
		printf '%s\\n' 'Package: ${name}' 'Version: 0.1' "Architecture: $(dpkg --print-architecture)" 'Maintainer: nobody <nobody@localhost>' 'Description: an old one' >$tree/DEBIAN/control
		dpkg-deb --root-owner-group --build $tree $tree.deb >/dev/null
		rm -r $tree
		dpkg --install --force-downgrade $tree.deb >/dev/null 2>&1
		rm $tree.deb`,
	);
