/*
 * `patronusctl lab ...`: the lab's commands. argv[0] is "lab". Returns the exit code: 0 done, 1 failed, 2 wrong usage.
 */
#pragma once

int pt_cmd_lab(int argc, char **argv);
