export * from "./ask.js";
export * from "./hooks.js";
