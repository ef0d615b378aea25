import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { badInput } from "@sluice/cli-kit";
import type { Routes } from "./routes.js";
import { canonical, type Rule } from "./rule.js";
import { isUnicast } from "./schema.js";
import type { Target } from "./target.js";

/** Host names with their addresses, by family and name. */
export type Addresses = ReadonlyMap<string, string>;

const nameIn = (rule: Rule, host: string) =>
	`${isIPv4(rule.address) ? 4 : 6} ${host}`;

/**
 * Looks up every host name, in the family of the key it is for.
 *
 * @param before addresses that are kept where a name still has them: the order of a name's addresses means nothing
 * @throws Failure usage: file, line and path of each name without an address
 */
export async function resolve(
	path: string,
	rules: readonly Rule[],
	before: Addresses = new Map(),
): Promise<Addresses> {
	const wanted = new Map<string, { host: string; family: 4 | 6 }>();
	for (const rule of rules)
		for (const { host } of rule.upstreams)
			if (!isIP(host))
				wanted.set(nameIn(rule, host), {
					host,
					family: isIPv4(rule.address) ? 4 : 6,
				});
	const found = new Map<string, string>();
	const failed = new Map<string, string>();
	await Promise.all(
		[...wanted].map(async ([name, { host, family }]) => {
			try {
				const all = (await lookup(host, { all: true, family }))
					.map(({ address }) => canonical(address))
					.filter(isUnicast)
					.sort();
				const known = before.get(name);
				const address =
					known !== undefined && all.includes(known) ? known : all[0];
				if (address === undefined) failed.set(name, "no usable address");
				else found.set(name, address);
			} catch (error) {
				failed.set(name, (error as NodeJS.ErrnoException).code ?? "failed");
			}
		}),
	);
	if (failed.size > 0) throw badInput(unresolved(path, rules, failed));
	return found;
}

function unresolved(
	path: string,
	rules: readonly Rule[],
	failed: ReadonlyMap<string, string>,
): string[] {
	const lines: string[] = [];
	for (const [i, rule] of rules.entries())
		for (const [j, { host, line }] of rule.upstreams.entries()) {
			const code = failed.get(nameIn(rule, host));
			const family = isIPv4(rule.address) ? "IPv4" : "IPv6";
			if (code !== undefined && !isIP(host))
				lines.push(
					`${path}:${line}: [${i}].upstream[${j}].address: expected a host name with an ${family} address, got "${host}" (${code})`,
				);
		}
	return lines;
}

const addressOf = (rule: Rule, host: string, addresses: Addresses): string =>
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

/** What the tables are to hold: rules with addresses for names, and with what routing says of them. */
export function targetsOf(
	rules: readonly Rule[],
	addresses: Addresses,
	routes: Routes,
): Target[] {
	return rules.map((rule) => ({
		address: rule.address,
		port: rule.port,
		action: rule.action,
		strategy: rule.strategy,
		upstreams: rule.upstreams.map(({ host, port, weight }) => {
			const address = addressOf(rule, host, addresses);
			const route = routes.get(address);
			return {
				host,
				address,
				port,
				weight,
				local: route?.local ?? false,
				ifindex: route?.local ? 0 : (route?.ifindex ?? 0),
			};
		}),
	}));
}
