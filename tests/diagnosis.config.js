// The sessions of docs/diagnosis.md, typed: a command of its own, `npm run diagnosis -w tests`.
import base from "../ava.config.js";

export default { ...base, files: ["diagnosis/*.test.ts"] };
