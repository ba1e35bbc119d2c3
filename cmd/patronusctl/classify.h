/*
 * patronusctl classify: the applications of a capture file, without a cluster.
 */
#pragma once

/* argv[0] is "classify". Returns the exit code. */
int pt_cmd_classify(int argc, char **argv);
