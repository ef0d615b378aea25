import { execFileSync } from "node:child_process";

/** One type of an object, as `bpftool -j btf dump` has it. */
export interface BtfType {
	id: number;
	kind: string;
	name: string;
	size?: number;
	type_id?: number;
	nr_elems?: number;
	members?: { name: string; type_id: number; bits_offset: number }[];
	values?: { name: string; val: number }[];
	vars?: { type_id: number }[];
}

/** A map as its C definition has it. */
export interface MapDefinition {
	type: number;
	flags: number;
	key: BtfType | undefined;
	value: BtfType | undefined;
	/** Whether libbpf pins it by its name. */
	pinned: boolean;
	/** Where a size alone is said. */
	keySize: number;
	valueSize: number;
}

/** The types of a compiled object. */
export class Btf {
	readonly #types: Map<number, BtfType>;

	constructor(object: string) {
		const json = execFileSync(
			"bpftool",
			["-j", "btf", "dump", "file", object],
			{ encoding: "utf8", maxBuffer: 64 << 20 },
		);
		const { types } = JSON.parse(json) as { types: BtfType[] };
		this.#types = new Map(types.map((type) => [type.id, type]));
	}

	type(id: number): BtfType {
		const type = this.#types.get(id);
		if (!type) throw new RangeError(`no type ${id}`);
		return type;
	}

	/** A type without its typedefs, `const` and `volatile`. */
	bare(type: BtfType): BtfType {
		return ["TYPEDEF", "CONST", "VOLATILE"].includes(type.kind)
			? this.bare(this.type(type.type_id as number))
			: type;
	}

	size(type: BtfType): number {
		const bare = this.bare(type);
		if (bare.kind === "ARRAY")
			return (
				(bare.nr_elems as number) * this.size(this.type(bare.type_id as number))
			);
		return bare.size as number;
	}

	/** Maps in the order of the C files, by name. */
	maps(): Map<string, MapDefinition> {
		const section = [...this.#types.values()].find(
			({ kind, name }) => kind === "DATASEC" && name === ".maps",
		);
		return new Map(
			(section?.vars ?? []).map(({ type_id }) => {
				const variable = this.type(type_id);
				return [variable.name, this.#map(variable)];
			}),
		);
	}

	/** A struct by its name. */
	named(name: string): BtfType {
		const found = [...this.#types.values()].find(
			(type) => type.kind === "STRUCT" && type.name === name,
		);
		if (!found) throw new RangeError(`no struct ${name}`);
		return found;
	}

	/** The values of an enum, by name and in their order. */
	enum(name: string): { name: string; val: number }[] {
		const found = [...this.#types.values()].find(
			(type) => type.kind.startsWith("ENUM") && type.name === name,
		);
		if (!found?.values) throw new RangeError(`no enum ${name}`);
		return found.values;
	}

	/** `__uint(a, 1)` is a pointer to an array of so many, `__type(b, t)` a pointer to the type. */
	#map(variable: BtfType): MapDefinition {
		const { members = [] } = this.bare(this.type(variable.type_id as number));
		const pointee = (name: string) => {
			const member = members.find((one) => one.name === name);
			if (!member) return undefined;
			const pointer = this.type(member.type_id);
			return this.type(pointer.type_id as number);
		};
		const number = (name: string) => pointee(name)?.nr_elems ?? 0;
		const key = pointee("key");
		const value = pointee("value");
		return {
			type: number("type"),
			flags: number("map_flags"),
			pinned: number("pinning") === 1,
			key,
			value,
			keySize: key ? this.size(key) : number("key_size"),
			valueSize: value ? this.size(value) : number("value_size"),
		};
	}
}
