/* command.h - `model-service check`. */
#ifndef CHECK_COMMAND_H
#define CHECK_COMMAND_H

/* argv: from the command's name on. Returns the exit status: 0 no drift, 1 failure, 2 wrong use, 3
 * drift. */
int check_main(int argc, char **argv);

#endif
