export { type Diagnosis, diagnose, type Finding } from "./diagnosis.js";
export { type DropCount, History, type Point } from "./history.js";
export { type Hooks, hooksOf } from "./hooks.js";
export { RemoteMoves } from "./moves.js";
export {
	type Overview,
	overviewOf,
	type Rates,
	type ServiceRow,
	type TunnelRow,
} from "./overview.js";
export {
	type Readings,
	read,
	type ServiceReading,
	type TunnelReading,
} from "./readings.js";
