import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GATEWAYS, NODE } from "./network.js";

/** Writes the documents of the fleet. @returns their files, by name */
export function writeDocuments(directory: string): Record<string, string> {
	const files: Record<string, string> = {};
	const write = (name: string, text: string) => {
		files[name] = join(directory, `${name}.yaml`);
		writeFileSync(files[name] as string, text);
	};
	for (const { name } of GATEWAYS)
		write(name, machine(name, "gue, dnat", "proxy, snat, fib"));
	write("n7", machine("n7", "gue", "fib"));
	const [one, two] = GATEWAYS;
	write("web", link("web", one, "tcp", 80, 8080));
	write("echo", link("echo", two, "udp", 9000, 9000));
	return files;
}

const machine = (name: string, ingress: string, egress: string) =>
	`apiVersion: sluice/v1
kind: Machine
metadata: { name: ${name} }
config:
  - { interface: "*", direction: ingress, id: 1, flags: [${ingress}], name: ${name} }
  - { interface: "*", direction: egress, id: 1, flags: [${egress}], name: ${name} }
`;

const link = (
	name: string,
	gateway: (typeof GATEWAYS)[number],
	protocol: string,
	port: number,
	backend: number,
) => `apiVersion: sluice/v1
kind: Link
metadata: { name: ${name} }
gateway: { machine: ${gateway.name}, address: "${gateway.address}:6080" }
node: { machine: n7, address: "${NODE}:${backend === 8080 ? 6080 : 6081}" }
protocol: ${protocol}
proxy: "${gateway.proxy}:${port}"
backend: "${NODE}:${backend}"
`;
