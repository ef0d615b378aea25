export { completionScript } from "../completion/script.js";
export { manPage, SECTION } from "./man.js";
