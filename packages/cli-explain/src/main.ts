import { main } from "@sluice/cli-kit";
import { cli } from "./cli.js";

main(cli);
