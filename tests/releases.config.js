// The programs of the last release beside those of this one: a command of its own, scripts/test-releases.sh.
import base from "../ava.config.js";

export default { ...base, files: ["releases/*.test.ts"] };
