import type { Rule } from "../config/rule.js";
import type { Action, Strategy } from "../config/schema.js";
import { type Addresses, addressOf } from "../machine/names.js";
import type { Routes } from "../machine/routes.js";

/** Where packets to a key are to go, with all that the kernel's tables say of it. */
export interface Target {
	address: string;
	port: number;
	action: Action;
	strategy: Strategy;
	upstreams: TargetUpstream[];
}

export interface TargetUpstream {
	/** As written. Its slots go by this and the port, so that a host keeps them when its address changes. */
	host: string;
	address: string;
	port: number;
	weight: number;
	/** Whether the address is one of this machine. */
	local: boolean;
	/** By which interface this machine would send to it; 0: not known. */
	ifindex: number;
}

/** The desired content of the tables: rules with resolved names and routes. */
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
