export { completionScript } from "../completion/script.js";
export { helpFiles } from "../help.js";
export { verbsOf } from "../vocabulary.js";
export { manPage, SECTION } from "./man.js";
