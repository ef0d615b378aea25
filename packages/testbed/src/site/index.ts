export * from "./machine.js";
export * from "./site.js";
