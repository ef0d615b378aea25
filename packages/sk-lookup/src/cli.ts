export { attachProgram } from "./attach.js";
export { updateProgram } from "./update.js";
