import {
	type Context,
	Failure,
	type Kernel,
	noInterface,
} from "@sluice/cli-kit";
import { fateOf, type Outcome } from "@sluice/maps/tables";
import { type Attached, attachedTo } from "@sluice/tunnel/hooks";
import { reasonOf } from "@sluice/tunnel/reasons";
import { type Decoded, decode, framed } from "@sluice/tunnel/wire";
import { Copy } from "./copy.js";
import { linkOf } from "./link.js";
import { programObject } from "./object-file.js";
import type { Question } from "./question.js";
import { rowsFor, type TableRow } from "./rows.js";
import { afterIngress, beforeEgress, type Stack } from "./stack.js";
import { type Verdict, verdictOf } from "./verdict.js";
import { standing } from "./wrap.js";

/** What would happen to a packet, and why. */
export interface Explanation {
	program: {
		id: number;
		interface: string;
		direction: string;
		object: string;
	};
	packet: Decoded;
	rows: TableRow[];
	outcome: Outcome;
	fate: string;
	reason: string;
	verdict: Verdict;
	/** The packet after the run; null if it ends here. */
	result: Decoded | null;
	/** Bytes of it from the IP header on. */
	size: number | null;
	/** What the kernel's stack does before egress, or after ingress; null: the packet does not come there. */
	stack: Stack | null;
}

/** Asks the program that is attached, without leaving a trace in its tables. */
export async function explain(
	question: Question,
	context: Context,
): Promise<Explanation> {
	const { device, direction, sid, ping } = question;
	const ifindex = context.kernel.interfaceIndex(device);
	if (ifindex === undefined) throw noInterface(device);
	const attached = await programOn(context.kernel, device, direction);
	const link = await linkOf(device);
	const { vars } = context.env;
	const object =
		question.object ?? programObject(direction, link.ethernet, vars);
	// The kernel tries programs on frames with an Ethernet header alone: of one without, the other build is tried.
	const tried = link.ethernet ? object : programObject(direction, true, vars);
	const copy = new Copy(context, attached, object, tried);
	const {
		frame: any,
		protocol,
		source,
		destination,
		before,
		learning,
	} = standing(question, copy.tables);
	// A frame for another address would be another host's.
	const atDevice = (one: Buffer) => framed(one.subarray(14), link.address);
	const frame = atDevice(any);
	const { returned, outcome, packet } = copy.run(
		ifindex,
		frame,
		before && atDevice(before),
		sid,
		learning,
	);
	const verdict = verdictOf(returned);
	const ends = verdict.name === "SHOT";
	return {
		program: { id: attached.programId, interface: device, direction, object },
		packet: decode(frame),
		rows: rowsFor(copy.tables, {
			device,
			ifindex,
			direction,
			protocol,
			source,
			destination,
			sid,
			tunnel: ping,
		}),
		outcome,
		fate: fateOf(outcome),
		reason: reasonOf(outcome, verdict.name === "REDIRECT"),
		verdict,
		result: ends ? null : decode(packet),
		size: ends ? null : packet.length - 14,
		stack: await stackOf(
			context.kernel,
			question,
			decode(frame),
			verdict,
			decode(packet),
		),
	};
}

/** A packet that the program ends, or sends elsewhere, does not come to the stack behind ingress. */
async function stackOf(
	kernel: Kernel,
	{ device, direction }: Question,
	packet: Decoded,
	{ name }: Verdict,
	result: Decoded,
): Promise<Stack | null> {
	if (direction === "egress") return beforeEgress(packet, device);
	return name === "OK" || name === "UNSPEC" || name === "PIPE"
		? afterIngress(kernel, result, device)
		: null;
}

/** The first of ours on the hook. @throws Failure missing */
async function programOn(
	kernel: Kernel,
	device: string,
	direction: "ingress" | "egress",
): Promise<Attached> {
	const [first] = await attachedTo(kernel, device, direction);
	if (first) return first;
	throw new Failure("missing", `no program of ours on ${device} ${direction}`, {
		hint: `attach it with attach_tc.sh ${device} ${direction}`,
	});
}
