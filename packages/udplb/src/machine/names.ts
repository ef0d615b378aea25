import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { badInput, Failure } from "@sluice/cli-kit";
import { pathText } from "@sluice/document";
import type { Config } from "../config/read.js";
import { canonical, type Rule } from "../config/rule.js";
import { isLoopback, isUnicast } from "../config/schema.js";

/** Host names with their addresses, by family and name. */
export type Addresses = ReadonlyMap<string, string>;

export interface Lookup {
	addresses: Addresses;
	/** Names without an answer, with the resolver's code. They keep their previous address, if any. */
	failed: ReadonlyMap<string, string>;
}

const nameIn = (rule: Rule, host: string) =>
	`${isIPv4(rule.address) ? 4 : 6} ${host}`;

/**
 * Looks up every host name, in the family of the key it is for.
 *
 * @param before addresses that are kept where a name still has them: the order of a name's addresses means nothing
 * @param onLoopback whether loopback addresses can be reached from where the packets come in
 */
export async function lookUpNames(
	rules: readonly Rule[],
	before: Addresses,
	onLoopback: boolean,
): Promise<Lookup> {
	const wanted = new Map<string, { host: string; family: 4 | 6 }>();
	for (const rule of rules)
		for (const { host } of rule.upstreams)
			if (!isIP(host))
				wanted.set(nameIn(rule, host), {
					host,
					family: isIPv4(rule.address) ? 4 : 6,
				});
	const addresses = new Map<string, string>();
	const failed = new Map<string, string>();
	await Promise.all(
		[...wanted].map(async ([name, { host, family }]) => {
			const known = before.get(name);
			if (known !== undefined) addresses.set(name, known);
			try {
				const all = (await lookup(host, { all: true, family }))
					.map(({ address }) => canonical(address))
					.filter((one) => isUnicast(one) && (onLoopback || !isLoopback(one)))
					.sort();
				if (all[0] === undefined) failed.set(name, "no usable address");
				else if (known === undefined || !all.includes(known))
					addresses.set(name, all[0]);
			} catch (error) {
				failed.set(name, (error as NodeJS.ErrnoException).code ?? "failed");
			}
		}),
	);
	return { addresses, failed };
}

/** @throws Failure failed: file, line and path of each name that has no address. */
export function requireAddresses(
	{ file, rules, lineAt }: Config,
	{ addresses, failed }: Lookup,
): void {
	const lines: string[] = [];
	for (const { rule, host, path } of failed.size > 0 ? hosts(rules) : []) {
		const code = failed.get(nameIn(rule, host));
		if (code === undefined || isIP(host) || addresses.has(nameIn(rule, host)))
			continue;
		const family = isIPv4(rule.address) ? "IPv4" : "IPv6";
		lines.push(
			`${file}:${lineAt(path)}: ${pathText(path)}.address: expected a host name with an ${family} address, got "${host}" (${code})`,
		);
	}
	if (lines.length > 0)
		throw new Failure("failed", lines, { code: "UNRESOLVED" });
}

/** The kernel drops packets from outside to a loopback address. @throws Failure usage: file, line and path */
export function refuseLoopback({ file, rules, lineAt }: Config): void {
	const lines: string[] = [];
	for (const { host, path } of hosts(rules))
		if (isLoopback(host))
			lines.push(
				`${file}:${lineAt(path)}: ${pathText(path)}.address: expected an address that packets from outside can reach, got "${host}"; name another address of this machine`,
			);
	if (lines.length > 0) throw badInput(lines);
}

function* hosts(rules: readonly Rule[]) {
	for (const [i, rule] of rules.entries())
		for (const [j, { host }] of rule.upstreams.entries())
			yield { rule, host, path: [i, "upstream", j] };
}

/** The address of an upstream's host. */
export const addressOf = (
	rule: Rule,
	host: string,
	addresses: Addresses,
): string =>
	addresses.size === 0 || isIP(host)
		? host
		: (addresses.get(nameIn(rule, host)) as string);

/** All addresses that packets are to be sent to, each once. */
export function addressesOf(
	rules: readonly Rule[],
	addresses: Addresses,
): string[] {
	const all = new Set<string>();
	for (const rule of rules)
		for (const { host } of rule.upstreams)
			all.add(addressOf(rule, host, addresses));
	return [...all];
}
