import { type Decoded, packetText } from "@sluice/tunnel/wire";
import type { Explanation } from "./explain.js";
import { verdictText } from "./verdict.js";

// Lines that scripts depend on: the first word of each is its kind.

export function lines(explanation: Explanation): string[] {
	const { program, packet, rows, outcome, reason, verdict, result, size } =
		explanation;
	const { stack } = explanation;
	const stackLines = stack
		? [
				`route    ${stack.route ?? "-"}`,
				`hook     ${stack.hook}`,
				...(stack.drops === null
					? []
					: [`drops    the stack drops it: ${stack.drops}`]),
			]
		: [];
	return [
		`program  ${program.id} on ${program.interface} ${program.direction}, ${program.object}`,
		`packet   ${text(packet)}`,
		...(program.direction === "egress" ? stackLines : []),
		...rows.map(
			({ table, key, value }) =>
				`row      ${table.padEnd(12)}  ${key}  ${value ?? "-"}`,
		),
		`outcome  ${outcome}: ${reason}`,
		`verdict  ${verdict.name}${verdictText[verdict.name] ? `: ${verdictText[verdict.name]}` : ""}`,
		...(result ? [`result   ${text(result)}, ${size} bytes`] : []),
		...(program.direction === "ingress" ? stackLines : []),
	];
}

const text = (packet: Decoded) => packetText(packet);
