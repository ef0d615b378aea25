import {
	btfOf,
	bytes,
	type Codec,
	close,
	type KernelTable,
	type MapInfo,
	type MapType,
	mapInfo,
	mapTypes,
	openPin,
	perCpu,
	wrapMap,
} from "@sluice/maps";
import { Btf, type Field } from "./btf.js";

/** A map with its layout. */
export interface Raw {
	/** Of its pin. The kernel keeps 15 characters of it. */
	readonly name: string;
	readonly fd: number;
	readonly info: MapInfo;
	/** Fields of key and value; none where the map was made without BTF. */
	readonly key: readonly Field[];
	readonly value: readonly Field[];
	close(): void;
}

/** Entries as bytes: one value, or one for each CPU. */
type RawTable = KernelTable<Uint8Array, Uint8Array[]>;

/** Types whose entries can be read and written one by one. The others are queues, such as events. */
const copied: readonly MapType[] = [
	"hash",
	"lru_hash",
	"percpu_hash",
	"array",
	"percpu_array",
];

const typeOf = ({ info }: Raw) =>
	copied.find((one) => mapTypes[one] === info.type);

export const hasEntries = (raw: Raw) => typeOf(raw) !== undefined;

/** Whether it is an array: the programs fix its number of rows, `--entries` does not. */
export const isArray = (raw: Raw) => /array/.test(typeOf(raw) ?? "");

/** @throws BpfError ENOENT no such pin; EPERM no rights */
export const rawPin = (path: string, name: string): Raw =>
	rawMap(name, openPin(path));

/** Describes a map's descriptor, which it then owns. */
export function rawMap(name: string, fd: number): Raw {
	const info = mapInfo(fd);
	const blob = btfOf(info);
	const btf = blob && new Btf(blob);
	// The kernel knows no type of a ring buffer's key, for example.
	const fields = (type: number) => (btf && type > 0 ? btf.fields(type) : []);
	return {
		name,
		fd,
		info,
		key: fields(info.btfKeyType),
		value: fields(info.btfValueType),
		close: () => close(fd),
	};
}

/** The map as a table, which then owns the descriptor. @throws RangeError a type without entries */
export function tableOf(raw: Raw): RawTable {
	const { name, fd, info } = raw;
	const type = typeOf(raw);
	if (!type) throw new RangeError(`${name} has no entries`);
	const value = bytes(info.valueSize);
	return wrapMap(
		{
			name,
			type,
			flags: info.flags,
			key: bytes(info.keySize),
			value: type.startsWith("percpu_") ? perCpu(value) : listOfOne(value),
		},
		fd,
	);
}

const listOfOne = <T>(codec: Codec<T>): Codec<T[]> => ({
	size: codec.size,
	read: (buffer, at) => [codec.read(buffer, at)],
	write: (buffer, at, [value]) => codec.write(buffer, at, value as T),
});

/** The number of entries of a map; an array always has all. */
export function countOf(raw: Raw): number {
	if (!hasEntries(raw)) return 0;
	let count = 0;
	tableOf(raw).forEach((_, values) => {
		if (values.some((value) => value.some((byte) => byte !== 0))) count++;
	});
	return count;
}
