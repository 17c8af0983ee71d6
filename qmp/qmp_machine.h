/* SPDX-License-Identifier: MIT */
/*
 * qmp_machine: commands that read what a guest is made of.
 */
#ifndef QMP_QMP_MACHINE_H
#define QMP_QMP_MACHINE_H

#include <stdint.h>

#include "qmp/qmp.h"
#include "transport/base/strv.h"

/* *reply is the owned value of a property of the object at @path. */
int qmp_qom_get(struct qmp *q, const char *path, const char *property,
		struct json_object **reply, struct mono deadline,
		struct err *err);
/*
 * The versioned machine type ("pc-i440fx-7.2"), from qom-get /machine type
 * without its "-machine"; owned.
 */
int qmp_machine_type(struct qmp *q, char **type, struct mono deadline,
		     struct err *err);
/* base-memory + plugged-memory of query-memory-size-summary. */
int qmp_memory_bytes(struct qmp *q, uint64_t *bytes, struct mono deadline,
		     struct err *err);
/* Virtual CPUs present now. */
int qmp_vcpu_count(struct qmp *q, unsigned int *count, struct mono deadline,
		   struct err *err);
/* True when the guest runs on KVM (query-kvm enabled). */
int qmp_kvm_enabled(struct qmp *q, bool *enabled, struct mono deadline,
		    struct err *err);
/* TYPE of "child<TYPE>", as qom-list has it, to be freed; NULL: no child. */
char *qmp_child_type(const char *type);
/*
 * The QOM types of all that the machine has ("virtio-vga", "pcie-root-port";
 * memory regions and CPUs, too), also of what QEMU adds by itself; appended.
 */
int qmp_device_types(struct qmp *q, struct strv *types, struct mono deadline,
		     struct err *err);

/* One inserted medium of query-block. Strings owned. */
struct qmp_disk {
	char *device;	 /* "virtio0", or "" for -blockdev */
	char *qdev;	 /* qdev path or id, NULL */
	char *node_name; /* NULL */
	char *file;	 /* as QEMU names it; may be a json: or URL */
	char *driver;	 /* "qcow2", "raw" */
	bool read_only;
	bool limited; /* in operations or bytes a second */
	uint64_t virtual_bytes;
};
struct qmp_disks {
	struct qmp_disk *v;
	size_t n;
};
int qmp_query_disks(struct qmp *q, struct qmp_disks *out, struct mono deadline,
		    struct err *err);
void qmp_disks_free(struct qmp_disks *d);

/* An image that QEMU has open by its name, part of a chain or not. */
struct qmp_image {
	char *file;    /* its name */
	char *backing; /* the one that it is based on, as it says; NULL */
};
struct qmp_images {
	struct qmp_image *v;
	size_t n;
};
/* Of all block nodes, those of files and devices of the host. */
int qmp_query_images(struct qmp *q, struct qmp_images *out,
		     struct mono deadline, struct err *err);
void qmp_images_free(struct qmp_images *l);

/* Running block jobs ("mirror j1 ready"), appended. */
int qmp_query_jobs(struct qmp *q, struct strv *jobs, struct mono deadline,
		   struct err *err);

/* What the human monitor prints for @command; owned, NULL on errors. */
char *qmp_human(struct qmp *q, const char *command, struct mono deadline,
		struct err *err);

#endif
