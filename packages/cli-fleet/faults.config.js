import config from "../../ava.config.js";

// What takes too long for every change: scripts/test-fleet.sh runs it.
export default { ...config, files: ["faults/**/*.test.ts"], concurrency: 1 };
