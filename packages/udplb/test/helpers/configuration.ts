import { BOX, PORT, UPSTREAM } from "./site.js";

export interface KeyOptions {
	address?: string;
	port?: number;
	action?: "pass" | "block";
	strategy?: "src-ip" | "src-port";
	/** Addresses, or addresses with a weight. */
	upstreams?: readonly (string | [address: string, weight: number])[];
	upstreamPort?: number;
}

/** One entry of a configuration. */
export function key({
	address = BOX,
	port = PORT,
	action = "block",
	strategy = "src-port",
	upstreams = [UPSTREAM],
	upstreamPort = 2222,
}: KeyOptions = {}): string {
	const lines = upstreams.map((one) => {
		const [host, weight] = typeof one === "string" ? [one, 1] : one;
		return `    - { address: "${host}", port: ${upstreamPort}, weight: ${weight} }\n`;
	});
	return `- key:
    address: "${address}"
    port: ${port}
  options:
    tc_action: ${action}
    strategy: ${strategy}
  upstream:
${lines.join("")}`;
}
