export { completionScript } from "../completion/script.js";
export { helpFiles } from "../help.js";
export { manPage, SECTION } from "./man.js";
