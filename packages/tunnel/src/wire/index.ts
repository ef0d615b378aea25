export * from "./build.js";
export * from "./decode.js";
export * from "./fragments.js";
export * from "./gue.js";
export * from "./signed-ping.js";
export * from "./text.js";
export * from "./token.js";
