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
