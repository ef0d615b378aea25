import * as module from "node:module";
import { resolve } from "./test-loader.mjs";

// Node.js 20 has no registerHooks, and register warns from 26 on.
if ("registerHooks" in module) module.registerHooks({ resolve });
else module.register("./test-loader.mjs", import.meta.url);
