import { badInput, values } from "@sluice/cli-kit";
import type { Machine } from "./machine.js";

/** Ids from the first to the last. */
interface Range {
	from: number;
	to: number;
}

/** The part of the tables that a document owns; undefined parts are not owned. */
export interface Only {
	/** As it was typed; empty: all. */
	text: string;
	config: boolean;
	/** By tunnel id. */
	tunnels: Range | undefined;
	/** By service id, of every group. */
	services: Range | undefined;
}

/** A document that owns all there is. */
export const ALL: Only = {
	text: "",
	config: true,
	tunnels: { from: 0, to: 0xffff_ffff },
	services: { from: 0, to: 0xffff },
};

/** Its bytes in the row of map_applied. */
const LONGEST = 64;

/** Reads `config,tunnels:1000-1999,services:5-9`. @throws Failure usage */
export function onlyOf(text: string): Only {
	const only: Only = {
		text,
		config: false,
		tunnels: undefined,
		services: undefined,
	};
	if (text.length > LONGEST)
		throw badInput(`only must be at most ${LONGEST} bytes long`);
	for (const word of text.split(",")) {
		const [name, range, ...more] = word.split(":");
		if (name === "config" && range === undefined) only.config = true;
		else if ((name === "tunnels" || name === "services") && more.length === 0)
			only[name] = rangeOf(name, range, (ALL[name] as Range).to);
		else
			throw badInput(
				`only must be a list of config, tunnels[:FROM-TO] and services[:FROM-TO], got "${text}"`,
			);
	}
	return only;
}

function rangeOf(name: string, text: string | undefined, most: number): Range {
	if (text === undefined) return { from: 0, to: most };
	const [first = "", last = first, ...more] = text.split("-");
	const from = values.integer(`only ${name}`, first, 0, most);
	const to = values.integer(`only ${name}`, last, 0, most);
	if (from <= to && more.length === 0) return { from, to };
	throw badInput(`only ${name} must be FROM-TO, got "${text}"`);
}

export const ownsTunnel = ({ tunnels }: Only, id: number) =>
	tunnels !== undefined && id >= tunnels.from && id <= tunnels.to;

export const ownsService = ({ services }: Only, service: number) =>
	services !== undefined && service >= services.from && service <= services.to;

/** @throws Failure usage: a row that the document does not own */
export function checkOwned(machine: Machine, only: Only): void {
	const refuse = (what: string) => {
		throw badInput(
			`${what} is not in what the document owns, ${only.text}`,
			"widen --only, or take it out",
		);
	};
	if (only.text === "") return;
	if (!only.config && machine.config.length > 0) refuse("config");
	for (const { id } of machine.tunnels)
		if (!ownsTunnel(only, id)) refuse(`tunnel ${id}`);
	for (const { sid } of machine.services)
		if (!ownsService(only, sid.service))
			refuse(`service ${sid.service} ${sid.group}`);
}
