import {
	type Args,
	badInput,
	type Context,
	command,
	type Env,
	Failure,
	missing,
	values,
} from "@sluice/cli-kit";
import { readKeyFile } from "@sluice/document";
import {
	dataKey,
	type Keys,
	keysFromSigning,
	keysOf,
	openServiceTables,
	otherKey,
	phaseOf,
	type Service,
	type ServiceTables,
	setService,
	signingOf,
} from "@sluice/tunnel";
import { rotationDocument, rotationLine } from "../format.js";
import {
	keysShown,
	noService,
	showKeysOption,
	sidOf,
	sidPositionals,
} from "./arguments.js";

/** Seconds without a packet after which a key is no longer in use: three pings of a node without traffic. */
const DEFAULT_IDLE = 30;

const steps = ["prepare", "prepare-file", "switch", "finish"] as const;
type Step = (typeof steps)[number];

export const rotate = command({
	usage: "rotate <service-id> <group-id>",
	summary: "Replace a service's key in three steps, without losing a packet",
	positionals: sidPositionals,
	options: {
		prepare: {
			type: "string",
			value: "key",
			describe:
				"Step 1, on both ends: accept this key as well; a signing key if the service has one",
		},
		"prepare-file": {
			type: "string",
			value: "file",
			describe: "--prepare with the key in a file, - for standard input",
		},
		switch: {
			type: "boolean",
			describe: "Step 2, on both ends: send the new key",
		},
		finish: {
			type: "boolean",
			describe:
				"Step 3, on both ends: accept only the new key; refused while packets arrive with the old one",
		},
		idle: {
			type: "string",
			value: "seconds",
			describe: `With --finish: seconds without a packet with the old key [default: ${DEFAULT_IDLE}]`,
		},
		force: {
			type: "boolean",
			describe:
				"With --finish: also if packets arrive with the old key, or the new one was never sent; with --prepare: replace another new key",
		},
		"show-keys": showKeysOption,
	},
	bulk: "change",
	examples: [
		["rotate 1 2 --prepare n3w-key", "Accept both keys, on both ends"],
		["rotate 1 2 --switch", "Send the new key, one end after the other"],
		["rotate 1 2 --finish", "Accept the new key alone"],
	],
	parse(args, env) {
		const step = stepOf(args);
		const idle = args.optional("idle");
		if (idle !== undefined && step !== "finish")
			throw badInput("--idle goes with --finish");
		return {
			sid: sidOf(args),
			step,
			key: preparedKey(args, env),
			idle: values.seconds("idle", idle ?? String(DEFAULT_IDLE)),
			force: args.flag("force"),
			showKeys: args.flag("show-keys"),
		};
	},
	run({ sid, step, key, idle, force, showKeys }, context) {
		const rotation = context.locked((opener) => {
			const tables = openServiceTables(opener);
			const verify = tables.verify.get(sid);
			if (!verify) throw noService(sid);
			const service = { ...verify, sid, signing: signingOf(tables, sid) };
			if (key) prepare(tables, service, nextKeys(service, key), force);
			else if (step === "switch") switchKeys(tables, service);
			else finish(tables, service, idle, force, context);
			const own = tables.verify.get(sid);
			const row = tables.rotation.get(sid);
			return own && row && { service: { ...own, sid }, row };
		});
		const show = keysShown(showKeys, context);
		context.print(
			() => [
				rotation
					? rotationLine(rotation.service, rotation.row, show, context)
					: `finished the rotation of service ${sid.service} ${sid.group}`,
			],
			() => ({
				...sid,
				rotation: rotation
					? rotationDocument(rotation.service, rotation.row, show, context)
					: null,
			}),
		);
	},
});

function stepOf(args: Args): Step {
	const given = steps.filter(
		(step) => args.flag(step) || args.optional(step) !== undefined,
	);
	const [step] = given;
	if (step === undefined || given.length > 1)
		throw badInput(
			"give one of --prepare, --prepare-file, --switch and --finish",
		);
	return step;
}

function preparedKey(args: Args, env: Env): Buffer | undefined {
	const typed = args.optional("prepare");
	if (typed !== undefined) return values.key("prepare", typed);
	const file = args.optional("prepare-file");
	return file === undefined
		? undefined
		: values.key("the key", readKeyFile("prepare-file", file, env));
}

/** A service that signs is given its next signing key, of which the key is derived. */
function nextKeys({ sid, key, signing }: Service, next: Buffer): Keys {
	if (!signing) return { key: next };
	values.notZero("the next signing key", next);
	if (!key.equals(dataKey(signing.key, sid)))
		throw badInput(
			`the key of service ${sid.service} ${sid.group} is not derived from its signing key`,
			"set it without a key of its own first",
		);
	return keysFromSigning(next, sid);
}

const nameOf = ({ sid }: Service) => `service ${sid.service} ${sid.group}`;

/** @throws Failure another rotation is in progress, or the key is the service's present one */
function prepare(
	tables: ServiceTables,
	service: Service,
	next: Keys,
	force: boolean,
): void {
	const row = tables.rotation.get(service.sid);
	const isPrepared = row?.next.key.equals(next.key);
	// Also where it is switched already: the step is done.
	if (isPrepared) return;
	if (service.key.equals(next.key))
		throw badInput(`the key is that of ${nameOf(service)} already`);
	if (row && (!force || phaseOf(service, row) === "switched"))
		throw new Failure(
			"failed",
			`${nameOf(service)} is being rotated to another key`,
			{
				code: "ROTATING",
				hint:
					phaseOf(service, row) === "switched"
						? "finish that with --finish first"
						: "switch and finish that first, or drop that key with --force",
			},
		);
	setService(tables, { ...service, other: { ...next, phase: "prepared" } });
}

/** Sends the next key. Both stay accepted, so the order of the rows does not matter. */
function switchKeys(tables: ServiceTables, service: Service): void {
	const row = tables.rotation.get(service.sid);
	if (!row) throw noRotation(service);
	const { key, signing } = keysOf(row.next);
	if (!signing !== !service.signing)
		throw new Failure(
			"failed",
			`${nameOf(service)} ${service.signing ? "signs its pings, and its next keys have no signing key" : "does not sign its pings, and its next keys have a signing key"}`,
			{
				code: "SIGNING",
				hint: "drop the next keys with --finish --force, then --prepare again",
			},
		);
	const required = service.signing?.required ?? false;
	setService(tables, {
		...service,
		key,
		signing: signing && { key: signing, required },
	});
}

/** @throws Failure where the other key is in use, or was not replaced yet */
function finish(
	tables: ServiceTables,
	service: Service,
	idle: number,
	force: boolean,
	{ kernel }: Context,
): void {
	const row = tables.rotation.get(service.sid);
	if (!row) throw noRotation(service);
	const { packets, lastPacket } = otherKey(service, row);
	if (!force && phaseOf(service, row) === "prepared")
		throw new Failure("failed", `${nameOf(service)} still sends its old key`, {
			code: "NOT_SWITCHED",
			hint: "use --switch first; --force drops the new key",
		});
	const age = lastPacket === 0n ? Infinity : kernel.secondsSince(lastPacket);
	if (!force && age < idle)
		throw new Failure(
			"failed",
			`the old key of ${nameOf(service)} is in use: ${packets} packets, the last ${age.toFixed(1)} s ago`,
			{
				code: "IN_USE",
				hint: "switch the other end, then try again; --force drops them",
			},
		);
	tables.rotation.delete(service.sid);
}

/** @throws Failure missing */
const noRotation = (service: Service) =>
	missing(`no rotation of ${nameOf(service)}`);
