export {
	type CapturedPacket,
	type CaptureFile,
	captureFile,
} from "./capture-file.js";
export {
	type Filter,
	filterOf,
	filterOptions,
	filterValues,
} from "./filter.js";
export { writeOf, writeOptions } from "./options.js";
export { readRing } from "./ring.js";
export { isSubject, type Subject, subjects } from "./subject.js";
export { clock, isoTime, unixTime } from "./time.js";
