/* reload.h - the configuration read again. */
#ifndef SERVICE_RELOAD_H
#define SERVICE_RELOAD_H

#include "service/service.h"

/* Reads the configuration again and exchanges the models, or logs why the running ones stay. Waits
 * for another reload that is under way. */
void service_reload(struct service *service);

#endif
