import { main } from "@sluice/cli-kit";
import { attachProgram } from "./attach.js";

main(attachProgram);
