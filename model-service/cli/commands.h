/* commands.h - the small commands. Each takes argv from its own name on and returns the exit
 * status: 0 success, 1 failure, 2 wrong use; */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int generate_main(int argc, char **argv);
int healthcheck_main(int argc, char **argv);
int validate_main(int argc, char **argv);

#endif
