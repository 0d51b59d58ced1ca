/* commands.h - the small commands. Each takes argv from its own name on and returns the exit
 * status: 0 success, 1 failure, 2 wrong use; check also 3, drift. */
#ifndef COMMANDS_H
#define COMMANDS_H

int check_main(int argc, char **argv);
int generate_main(int argc, char **argv);
int healthcheck_main(int argc, char **argv);
int init_main(int argc, char **argv);
int validate_main(int argc, char **argv);

#endif
