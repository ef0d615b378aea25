export {
	type CompileOptions,
	compileBpf,
	tunnelTables,
} from "./compile-bpf.js";
export { fixture } from "./fixture.js";
export type { Result, RunOptions } from "./host.js";
export { Host } from "./host.js";
export { killedAtCall, traced, writingCalls } from "./killed.js";
export type { End, LinkOptions } from "./link.js";
export { Link } from "./link.js";
export { needs, testWith } from "./needs.js";
export { ownNamespaces } from "./own-namespaces.js";
export { Random } from "./random.js";
export type { Running } from "./running.js";
export { Testbed, testbed } from "./testbed.js";
