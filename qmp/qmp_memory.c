/* SPDX-License-Identifier: MIT */
/* qmp_memory: reads a guest's memory by way of QEMU. */
#include "qmp/qmp_memory.h"

#include <assert.h>
#include <string.h>

#include "qmp/json.h"
#include "qmp/qmp_private.h"
#include "transport/base/xalloc.h"

int qmp_add_fd(struct qmp *q, int fd, const char *label,
	       struct qmp_added_fd *out, struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "add-fd" };

	/* found out by the writer, this would end the session */
	if (stream_peer_pid(q->stream) < 0)
		return err_set(err, ERR_SYSTEM,
			       "the monitor at the %s is no UNIX socket of "
			       "this machine: no descriptor can be handed over",
			       q->side);
	if (qmp_call_fd(q, at.path, json_add_str(json_new(), "opaque", label),
			fd, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	if (json_get_i64(at, "fdset-id", &out->set, err) < 0 ||
	    json_get_i64(at, "fd", &out->fd, err) < 0)
		return -1;
	return 0;
}

int qmp_remove_fd(struct qmp *q, const struct qmp_added_fd *added,
		  struct mono deadline, struct err *err)
{
	struct json_object *args = json_new();

	args = json_add_i64(args, "fdset-id", added->set);
	args = json_add_i64(args, "fd", added->fd);
	return qmp_call(q, "remove-fd", args, NULL, deadline, err);
}

static int remove_labelled(struct qmp *q, struct json_at set, const char *label,
			   struct mono deadline, struct err *err)
{
	struct qmp_added_fd added;
	struct json_at fds, one;

	if (json_get_i64(set, "fdset-id", &added.set, err) < 0 ||
	    json_get_array(set, "fds", &fds, err) < 0)
		return -1;
	for (size_t i = 0; i < json_length(fds); i++) {
		const char *opaque = "";

		if (json_index(fds, i, &one, err) < 0 ||
		    json_opt_str(one, "opaque", &opaque, err) < 0)
			return -1;
		if (strcmp(opaque, label) != 0)
			continue;
		if (json_get_i64(one, "fd", &added.fd, err) < 0 ||
		    qmp_remove_fd(q, &added, deadline, err) < 0)
			return -1;
	}
	return 0;
}

int qmp_remove_labelled_fds(struct qmp *q, const char *label,
			    struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at sets = { NULL, "query-fdsets" }, set;

	if (qmp_call(q, sets.path, NULL, &reply, deadline, err) < 0)
		return -1;
	sets.value = reply;
	for (size_t i = 0; i < json_length(sets); i++) {
		if (json_index(sets, i, &set, err) < 0 ||
		    remove_labelled(q, set, label, deadline, err) < 0)
			return -1;
	}
	return 0;
}

int qmp_pmemsave(struct qmp *q, uint64_t address, uint32_t bytes,
		 const char *path, struct mono deadline, struct err *err)
{
	struct json_object *args = json_new();

	assert(bytes <= QMP_PMEMSAVE_MOST_BYTES);
	args = json_add_u64(args, "val", address);
	args = json_add_u64(args, "size", bytes);
	args = json_add_str(args, "filename", path);
	return qmp_call(q, "pmemsave", args, NULL, deadline, err);
}

int qmp_base_memory_bytes(struct qmp *q, uint64_t *bytes, struct mono deadline,
			  struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-memory-size-summary" };

	if (qmp_call(q, at.path, NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	return json_get_u64(at, "base-memory", bytes, err);
}

int qmp_ram_below_4g_bytes(struct qmp *q, uint64_t *bytes, struct mono deadline,
			   struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	AUTO_ERR struct err e = { 0 };
	struct json_object *args = json_new();
	AUTO_JSON struct json_object *box = json_new();

	*bytes = 0;
	args = json_add_str(args, "path", "/machine");
	args = json_add_str(args, "property", "max-ram-below-4g");
	if (qmp_call(q, "qom-get", args, &reply, deadline, &e) < 0) {
		if (e.kind == ERR_QMP)
			return 0;
		err_move(err, &e);
		return -1;
	}
	/* a bare number: the getters want it as somebody's member */
	json_add_sub(box, "max-ram-below-4g", STEAL(reply));
	return json_get_u64((struct json_at){ box, "qom-get" },
			    "max-ram-below-4g", bytes, err);
}
