export * from "./config.js";
export * from "./decap.js";
export * from "./endpoint.js";
export * from "./journal.js";
export * from "./service.js";
export * from "./traffic.js";
export * from "./tunnel.js";
