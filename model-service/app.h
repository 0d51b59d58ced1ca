/* app.h - the life of the model service: start, routes, stop. */
#ifndef APP_H
#define APP_H

/* `model-service serve`. argv: from the command's name on. Returns the exit status. */
int app_main(int argc, char **argv);

#endif
