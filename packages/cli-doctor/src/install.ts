import { existsSync } from "node:fs";
import { onPath } from "./shell.js";

/** The command that installs a package, by the package manager that is here. */
export function install(names: {
	apt: string;
	dnf: string;
	apk: string;
}): string {
	const has = (program: string) => onPath(program, process.env.PATH);
	if (has("dnf")) return `dnf install -y ${names.dnf}`;
	if (has("apk")) return `apk add ${names.apk}`;
	return `apt-get install -y ${names.apt}`;
}

/** The command that boots the distribution's own kernel: no running one can be mended. */
export const newKernel = (): string =>
	`${install({
		apt: isDebian()
			? `linux-image-${process.arch === "x64" ? "amd64" : process.arch}`
			: "linux-image-generic",
		dnf: "kernel",
		apk: "linux-lts",
	})} && reboot`;

/** And not Ubuntu, whose kernel has another name. */
const isDebian = () =>
	existsSync("/etc/debian_version") && !existsSync("/etc/lsb-release");
