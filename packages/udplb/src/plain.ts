import { isIP } from "node:net";
import { canonical, type Rule, type Upstream } from "./rule.js";
import {
	actions,
	isHostName,
	isUnicast,
	type Strategy,
	strategies,
} from "./schema.js";

/** A line `key: value` or `- key: value`, a comment after it or not. Values are of characters that YAML takes as they are. */
const LINE = /^( *)(- )?([a-z_]+):(?: +([\w.:-]*[\w.-]))?(?: +#.*| *)\r?$/;
const NOTHING = /^ *(?:#.*)?\r?$/;
const INTEGER = /^[1-9]\d{0,4}$/;

/**
 * Reads a configuration that is written line by line, without quotes, braces and anchors, as the examples are: a
 * hundred times faster than YAML can be read, which a configuration of a million upstreams needs. It never judges:
 * whatever it does not know is for the YAML reader, and so is every mistake.
 */
export function plainEntries(text: string): Rule[] | undefined {
	const reader = new Reader();
	let number = 0;
	for (let at = 0; at < text.length; ) {
		const newline = text.indexOf("\n", at);
		const end = newline < 0 ? text.length : newline;
		const line = text.slice(at, end);
		at = end + 1;
		number++;
		const match = LINE.exec(line);
		if (!match) {
			if (NOTHING.test(line)) continue;
			return undefined;
		}
		const [, spaces = "", dash, key = "", value] = match;
		const depth = spaces.length + (dash ? 2 : 0);
		if (!reader.read(depth, dash !== undefined, key, value, number))
			return undefined;
	}
	return reader.end();
}

type Partial<T> = { [K in keyof T]?: T[K] | undefined };

/** Takes one line after the other. Each method says whether it was understood. */
class Reader {
	readonly #rules: Rule[] = [];
	#rule: Partial<Rule> | undefined;
	#upstream: Partial<Upstream> | undefined;
	/** What the lines below the last `key:`, `options:` or `upstream:` are about. */
	#part = "";
	readonly #parts = new Set<string>();
	/** How far the lines of an upstream are indented. */
	#indent = 0;

	read(
		depth: number,
		dash: boolean,
		key: string,
		value: string | undefined,
		line: number,
	): boolean {
		if (depth === 2 && !(dash && this.#part === "upstream" && key !== "key"))
			return value === undefined && this.#beginPart(dash, key, line);
		if (!this.#rule || value === undefined) return false;
		if (this.#part === "upstream")
			return this.#readUpstream(depth, dash, key, value, line);
		if (dash || depth !== 4) return false;
		return this.#part === "key"
			? this.#readKey(key, value)
			: this.#readOption(key, value);
	}

	end(): Rule[] | undefined {
		return this.#endRule() && this.#rules.length > 0 ? this.#rules : undefined;
	}

	/** `- key:`, `  options:` or `  upstream:`. */
	#beginPart(dash: boolean, part: string, line: number): boolean {
		if (dash) {
			if (!this.#endRule()) return false;
			this.#rule = { line, upstreams: [] };
			this.#parts.clear();
		}
		if (!this.#rule || !this.#endUpstream() || this.#parts.has(part))
			return false;
		this.#part = part;
		this.#parts.add(part);
		this.#indent = 0;
		return part === "key" || part === "options" || part === "upstream";
	}

	#readKey(key: string, value: string): boolean {
		const rule = this.#rule as Partial<Rule>;
		if (key === "port") return setOnce(rule, "port", portOf(value));
		return (
			key === "address" &&
			isUnicast(value) &&
			setOnce(rule, "address", canonical(value))
		);
	}

	#readOption(key: string, value: string): boolean {
		const rule = this.#rule as Partial<Rule>;
		if (key === "tc_action")
			return setOnce(
				rule,
				"action",
				actions.find((action) => action === value),
			);
		return (
			key === "strategy" &&
			setOnce(
				rule,
				"strategy",
				strategies.find((strategy): strategy is Strategy => strategy === value),
			)
		);
	}

	#readUpstream(
		depth: number,
		dash: boolean,
		key: string,
		value: string,
		line: number,
	): boolean {
		if (dash) {
			if (!this.#endUpstream() || (this.#indent && depth !== this.#indent))
				return false;
			this.#indent = depth;
			this.#upstream = { line };
		}
		const upstream = this.#upstream;
		if (!upstream || depth !== this.#indent) return false;
		if (key === "port") return setOnce(upstream, "port", portOf(value));
		if (key === "weight") return setOnce(upstream, "weight", portOf(value));
		return (
			key === "address" &&
			isAddressOrName(value) &&
			setOnce(upstream, "host", canonical(value))
		);
	}

	#endUpstream(): boolean {
		const upstream = this.#upstream;
		this.#upstream = undefined;
		if (!upstream) return true;
		const { host, port, weight = 1, line = 0 } = upstream;
		if (host === undefined || port === undefined) return false;
		this.#rule?.upstreams?.push({ host, port, weight, line });
		return true;
	}

	#endRule(): boolean {
		const rule = this.#rule;
		this.#rule = undefined;
		if (!rule) return this.#rules.length === 0;
		this.#rule = rule;
		if (!this.#endUpstream()) return false;
		this.#rule = undefined;
		const { address, port, upstreams = [], line = 0 } = rule;
		const { action = "pass", strategy = "src-port" } = rule;
		if (address === undefined || port === undefined || upstreams.length === 0)
			return false;
		if (upstreams.length > 65_535) return false;
		this.#rules.push({ address, port, action, strategy, upstreams, line });
		return true;
	}
}

function setOnce<T, K extends keyof T>(
	target: Partial<T>,
	name: K,
	value: T[K] | undefined,
): boolean {
	if (value === undefined || target[name] !== undefined) return false;
	target[name] = value;
	return true;
}

/** A weight has the same range. */
function portOf(text: string): number | undefined {
	const number = INTEGER.test(text) ? Number(text) : 0;
	return number >= 1 && number <= 65_535 ? number : undefined;
}

/** Not what YAML would read as a number, a truth value or nothing. */
function isAddressOrName(text: string): boolean {
	if (isIP(text)) return isUnicast(text);
	return (
		isHostName(text) &&
		Number.isNaN(Number(text)) &&
		!/^(?:null|true|false|[-+]?\.inf|\.nan|0o[0-7]+)$/i.test(text)
	);
}
