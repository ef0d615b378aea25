import { type LoadedObject, type LoadOptions, loadObject } from "@sluice/maps";
import {
	indexBindingsTable,
	indexLengthsTable,
	indexRowsTable,
	indexSizeTable,
} from "@sluice/maps/tables";
import { DISPATCHER_VERSION } from "./program-version.js";

/** The maps of an index. */
export const indexTables = [
	indexBindingsTable,
	indexLengthsTable,
	indexRowsTable,
	indexSizeTable,
];

/** The program that writes bindings to the trie and the index. */
export const WRITER = "write_bindings";

/** The name of the compiled program's file. */
export const OBJECT = "dispatcher.o";

/**
 * Loads the dispatcher's program.
 *
 * @param file the compiled program
 * @param indexed whether it has an index; else the maps of one are as small as can be, and are used by no program
 * @throws BpfError as `loadObject`.
 */
export function loadProgram(
	file: string,
	indexed: boolean,
	options: Pick<LoadOptions, "pinDirectory" | "reuse">,
): LoadedObject {
	return loadObject(file, {
		...options,
		constants: constants(indexed),
		...(indexed ? {} : WITHOUT_INDEX),
	});
}

const WITHOUT_INDEX = {
	without: [WRITER],
	maxEntries: Object.fromEntries(indexTables.map(({ name }) => [name, 1])),
};

/** `dispatcher_constants` of `bpf/dispatcher/dispatcher.bpf.c`. */
function constants(indexed: boolean): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeUInt32LE(DISPATCHER_VERSION, 0);
	bytes.writeUInt32LE(indexed ? 1 : 0, 4);
	return bytes;
}
