// What only the running balancer needs, loaded by one import().
export { readConfig } from "../config/read.js";
export { defaultInterface, findInterface } from "../machine/interface.js";
export { Server } from "./server.js";
