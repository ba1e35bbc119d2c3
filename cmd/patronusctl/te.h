/*
 * patronusctl te solve: traffic engineering on a file, without a cluster.
 */
#pragma once

/* argv[0] is "te", argv[1] "solve". Returns the exit code. */
int pt_cmd_te_solve(int argc, char **argv);
