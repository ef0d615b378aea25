import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files for many operations in one process. */
export type Input = {
	tenThousandTunnels: string;
	tunnels: string;
	services: string;
	bindings: string;
	/** The same entries, half of them with another label. */
	halfOfBindings: string;
	/** For restore: as many bindings, none of them among the others. */
	otherBindings: string;
};

/** Tunnels and services of the large batch. */
export const LARGE = 100_000;
/** Entries of the bindings file; each is for tcp and for udp. */
export const BINDINGS = 50_000;

export function writeInput(directory: string): Input {
	const file = (name: string, lines: string[]) => {
		const path = join(directory, name);
		writeFileSync(path, `${lines.join("\n")}\n`);
		return path;
	};
	return {
		tenThousandTunnels: file("tunnels-10000", numbers(10_000).map(tunnel)),
		tunnels: file("tunnels", numbers(LARGE).map(tunnel)),
		services: file("services", numbers(LARGE).map(service)),
		bindings: file("bindings.json", [
			JSON.stringify({ bindings: numbers(BINDINGS).map(binding) }),
		]),
		halfOfBindings: file("half.json", [
			JSON.stringify({ bindings: numbers(BINDINGS).map(halfOther) }),
		]),
		otherBindings: file("other-bindings", numbers(BINDINGS).flatMap(line)),
	};
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const address = (first: number, i: number) =>
	`${first}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;

const tunnel = (i: number) => `set ${i} 172.1.0.4 6080 ${address(198, i)} 6080`;

const service = (i: number) =>
	`set ${i & 0xffff} ${i >> 16} tcp ${address(5, i)} 80 ${address(10, i)} 8080 ${i} Pa55w0rd1234567`;

const binding = (i: number) => ({
	label: `label${i % 100}`,
	prefix: `${address(10, i)}/32`,
	port: 80,
});

const halfOther = (i: number) => ({
	...binding(i),
	...(i % 2 ? {} : { label: `other${i % 100}` }),
});

const line = (i: number) =>
	["tcp", "udp"].map(
		(protocol) => `bind label${i % 100} ${protocol} ${address(11, i)}/32 80`,
	);
