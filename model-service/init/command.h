/* command.h - `model-service init`. */
#ifndef INIT_COMMAND_H
#define INIT_COMMAND_H

/* argv: from the command's name on. Returns the exit status: 0 success, 1 failure, 2 wrong use. */
int init_main(int argc, char **argv);

#endif
