// Every program's real output against docs/schemas: a command of its own, `npm run schemas -w tests`.
import base from "../ava.config.js";

export default { ...base, files: ["schemas/*.test.ts"] };
