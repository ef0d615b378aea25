import { main } from "@sluice/cli-kit";
import { updateProgram } from "./update.js";

main(updateProgram);
