/* SPDX-License-Identifier: MIT */
/*
 * qmp_plug: the devices of a guest, and the options that would make them anew.
 *
 * Theory of operation. QEMU does not say how a device was plugged in, but what
 * its properties are. Those whose value is not the default of its type, and
 * that can be given to -device, make the same device again: with them comes
 * what QEMU had chosen by itself (slot, vectors, queues). Properties whose
 * names begin with x- follow from the machine type and are left out. Objects
 * have no defaults that QEMU reports, so that a table says which properties of
 * which types count.
 */
#ifndef QMP_QMP_PLUG_H
#define QMP_QMP_PLUG_H

#include <json.h>

#include "qmp/qmp.h"
#include "transport/base/strv.h"

/* More than that are no guest's; the answer is not read then. */
enum { QMP_PLUG_MAX = 1024 };

/* Below /machine/peripheral, or -anon: strings owned. */
struct qmp_plug {
	char *path;
	char *id; /* NULL: it has none */
	char *type;
	bool hotplugged; /* after the start, or by an incoming one's user */
};
struct qmp_plugs {
	struct qmp_plug *v;
	size_t n;
};
/* Those of -device and device_add; ERR_PROTOCOL beyond QMP_PLUG_MAX. */
int qmp_plugs_query(struct qmp *q, struct qmp_plugs *out, struct mono deadline,
		    struct err *err);
void qmp_plugs_free(struct qmp_plugs *l);

/* "ID (TYPE)", to be freed. */
char *qmp_plug_label(const struct qmp_plug *d);

/*
 * The value of -device for @d, an object of JSON; owned. The objects that it
 * uses (memory, I/O threads) are appended to @objects by their ids, and the
 * path of the bus that it is on is *@bus, owned; NULL: none.
 */
struct json_object *qmp_plug_device(struct qmp *q, const struct qmp_plug *d,
				    struct strv *objects, char **bus,
				    struct mono deadline, struct err *err);

/*
 * The value of -object for the object @id, owned. NULL with ERR_REFUSED: one
 * of its type is not made anew.
 */
struct json_object *qmp_plug_object(struct qmp *q, const char *id,
				    struct mono deadline, struct err *err);

#endif
