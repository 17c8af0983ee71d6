/* SPDX-License-Identifier: MIT */
/* qmp_images: the images of a guest that arrived stopped. */
#include "qmp/qmp_images.h"

#include <string.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

static const char by_command[] = "blockdev-set-active";
/* Both are asked for by text alone: QEMU has one class for all its errors. */
static const char not_exported[] = "NBD server not running";
static const char not_shared[] = "Permission conflict on node";

/* "Failed to get "write" lock", "Failed to get shared "write" lock". */
static const char no_lock[] = "Failed to get ", no_lock_end[] = "\" lock";
static const char no_byte[] = "Failed to lock byte ";

bool qmp_images_locked(const struct err *err)
{
	AUTO_FREE char *text = NULL;
	const char *at;

	if (!err_has(err, ERR_QMP))
		return false;
	text = err_text(err);
	at = strstr(text, no_lock);
	return (at && strstr(at, no_lock_end)) || strstr(text, no_byte);
}

/* 1 when QEMU has @command, 0 when not. */
static int has_command(struct qmp *q, const char *command, struct mono deadline,
		       struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at all = { NULL, "query-commands" }, one;
	const char *name;

	if (qmp_call(q, all.path, NULL, &reply, deadline, err) < 0)
		return -1;
	all.value = reply;
	for (size_t i = 0; i < json_length(all); i++) {
		if (json_index(all, i, &one, err) < 0 ||
		    json_get_str(one, "name", &name, err) < 0)
			return -1;
		if (!strcmp(name, command))
			return 1;
	}
	return 0;
}

/* --- QEMU before 10.0 ---------------------------------------------------- */

static int remove_export(struct qmp *q, const char *id, struct mono deadline,
			 struct err *err)
{
	struct json_object *args = json_add_str(json_new(), "id", id);

	args = json_add_str(args, "mode", "hard");
	return qmp_call(q, "block-export-del", args, NULL, deadline, err);
}

static bool says(const struct err *e, const char *words)
{
	for (; e; e = e->cause) {
		if (strstr(e->message, words))
			return true;
	}
	return false;
}

/* Asks for an export that is to be refused; @file names the node for people. */
static int activate_node(struct qmp *q, const char *node, const char *file,
			 bool read_only, struct mono deadline, struct err *err)
{
	static const char id[] = "vmferry-activate";
	AUTO_ERR struct err e = { 0 };
	struct json_object *args = json_new();

	args = json_add_str(args, "type", "nbd");
	args = json_add_str(args, "id", id);
	args = json_add_str(args, "node-name", node);
	args = json_add_bool(args, "writable", !read_only);
	/* somebody's NBD server runs, and nobody's device has the node */
	if (qmp_call(q, "block-export-add", args, NULL, deadline, &e) == 0)
		return remove_export(q, id, deadline, err);
	if (err_has(&e, ERR_QMP) &&
	    (says(&e, not_exported) || says(&e, not_shared)))
		return 0;
	err_move(err, &e);
	return err_wrap(err, err->kind, "%s is not active", file);
}

/* QEMU lists a node before those that it consists of, which is the order. */
static int activate_nodes(struct qmp *q, struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at all = { NULL, "query-named-block-nodes" }, one;
	struct json_object *args = json_add_bool(json_new(), "flat", true);
	int rc = 0;

	if (qmp_call(q, all.path, args, &reply, deadline, err) < 0)
		return -1;
	all.value = reply;
	for (size_t i = 0; i < json_length(all); i++) {
		AUTO_ERR struct err e = { 0 };
		const char *node, *file;
		bool read_only;

		if (json_index(all, i, &one, err) < 0 ||
		    json_get_str(one, "node-name", &node, err) < 0 ||
		    json_get_str(one, "file", &file, err) < 0 ||
		    json_get_bool(one, "ro", &read_only, err) < 0)
			return -1;
		if (activate_node(q, node, file, read_only, deadline, &e) == 0)
			continue;
		/* the others are to be safe all the same; the first is named */
		if (rc == 0)
			err_move(err, &e);
		rc = -1;
	}
	return rc;
}

/* --- both ---------------------------------------------------------------- */

int qmp_images_may_be_inactive(struct qmp *q, struct mono deadline,
			       struct err *err)
{
	return has_command(q, by_command, deadline, err);
}

int qmp_images_activate(struct qmp *q, struct mono deadline, struct err *err)
{
	int known = has_command(q, by_command, deadline, err);

	if (known < 0)
		return -1;
	if (known)
		return qmp_call(q, by_command,
				json_add_bool(json_new(), "active", true), NULL,
				deadline, err);
	return activate_nodes(q, deadline, err);
}
