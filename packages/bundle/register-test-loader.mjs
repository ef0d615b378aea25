import { register } from "node:module";

register("./test-loader.mjs", import.meta.url);
