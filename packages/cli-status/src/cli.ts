import { setTimeout as sleep } from "node:timers/promises";
import {
	badInput,
	below,
	type Cli,
	type Context,
	command,
	inPlace,
	looksOf,
	toJson,
	values,
	watchOptions,
} from "@sluice/cli-kit";
import {
	type Diagnosis,
	diagnose,
	History,
	hooksOf,
	type Overview,
	overviewOf,
	read,
} from "@sluice/overview";
import { tunnelPins } from "@sluice/tunnel";
import manifest from "../package.json" with { type: "json" };
import { lines } from "./format.js";

const SECONDS = 2;
/** Between two runs of cli_doctor with --watch, in milliseconds. */
const DOCTOR_INTERVAL = 30_000;

const status = command({
	usage: "$0",
	summary:
		"Show this machine on one screen: role, programs, tunnels, services, drops and findings of cli_doctor",
	options: {
		...watchOptions,
		watch: {
			type: "boolean",
			describe: "Update the screen until stopped",
		},
		seconds: {
			type: "string",
			describe: `Without --watch: seconds between the two readings for rates and drops [default: ${SECONDS}]`,
		},
		"no-doctor": {
			type: "boolean",
			describe: "Do not run cli_doctor",
		},
	},
	examples: [
		["", "Show the machine, with rates over two seconds"],
		["--watch", "The same, every second; drops are those of the last minute"],
		["--json | jq '.drops'", "Print the drops"],
	],
	parse(args) {
		const looks = looksOf(args);
		const seconds = args.optional("seconds");
		if (looks && seconds !== undefined)
			throw badInput("--seconds is for one look; --watch has --interval");
		return {
			looks,
			seconds: values.seconds("seconds", seconds ?? String(SECONDS)),
			withDoctor: !args.flag("no-doctor"),
		};
	},
	async run({ looks, seconds, withDoctor }, context) {
		const signal = context.env.stopped?.() ?? new AbortController().signal;
		const history = new History();
		const add = () => history.add(read(context));
		const wait = (s: number) =>
			sleep(1000 * s, undefined, { signal }).catch(() => {});
		add();
		if (!looks) {
			const [diagnosis] = await Promise.all([
				withDoctor ? diagnose(context.bpffs, seconds, signal) : undefined,
				wait(seconds).then(add),
			]);
			if (!signal.aborted) await print(context, history, diagnosis);
			return;
		}
		const doctor = new Doctor(context.bpffs, withDoctor, signal);
		const show = context.env.isTerminal ? inPlace() : below;
		for (let n = 0; n < looks.count; n++) {
			await wait(looks.interval);
			if (signal.aborted) return;
			add();
			doctor.look();
			await print(context, history, doctor.diagnosis, show);
		}
		doctor.stop();
	},
});

async function print(
	context: Context,
	history: History,
	diagnosis: Diagnosis | undefined,
	show?: (context: Context, lines: readonly string[]) => void,
): Promise<void> {
	const overview: Overview = overviewOf(
		history,
		await hooksOf(context),
		diagnosis,
	);
	if (context.json) context.env.out(`${toJson(overview)}\n`);
	else if (show) show(context, lines(context, overview));
	else context.env.out(`${lines(context, overview).join("\n")}\n`);
}

/** cli_doctor, run beside the looks. */
class Doctor {
	diagnosis: Diagnosis | undefined;
	readonly #bpffs: string;
	readonly #signal: AbortSignal;
	readonly #ended = new AbortController();
	#isRunning: boolean;
	#next = 0;

	constructor(bpffs: string, isWanted: boolean, signal: AbortSignal) {
		this.#bpffs = bpffs;
		this.#signal = signal;
		this.#isRunning = !isWanted;
	}

	/** Starts it, where it is due. */
	look(): void {
		if (this.#isRunning || performance.now() < this.#next) return;
		this.#isRunning = true;
		const either = AbortSignal.any([this.#signal, this.#ended.signal]);
		void diagnose(this.#bpffs, SECONDS, either).then((found) => {
			this.diagnosis = found;
			this.#isRunning = false;
			this.#next = performance.now() + DOCTOR_INTERVAL;
		});
	}

	stop(): void {
		this.#ended.abort();
	}
}

/** A machine on one screen. */
export const cli: Cli = {
	name: "cli_status",
	summary: "show this machine's tunnels on one screen",
	version: manifest.version,
	pins: tunnelPins,
	commands: [status],
};
