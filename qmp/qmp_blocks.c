/* SPDX-License-Identifier: MIT */
/* qmp_blocks: the block nodes of a guest. */
#include "qmp/qmp_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

enum qmp_block_kind qmp_blocks_kind(const char *driver)
{
	static const char *const network[] = {
		"nbd", "ssh", "iscsi",	 "nfs",	 "http",     "https",
		"ftp", "rbd", "gluster", "ftps", "sheepdog",
	};

	if (!strcmp(driver, "file") || !strcmp(driver, "host_device") ||
	    !strcmp(driver, "host_cdrom"))
		return QMP_BLOCK_FILE;
	for (size_t i = 0; i < ARRAY_SIZE(network); i++) {
		if (!strcmp(driver, network[i]))
			return QMP_BLOCK_NETWORK;
	}
	return QMP_BLOCK_OTHER;
}

static void block_free(struct qmp_block *b)
{
	free(b->node);
	free(b->driver);
	free(b->file);
	free(b->backing);
	free(b->data);
}

void qmp_blocks_free(struct qmp_blocks *l)
{
	for (size_t i = 0; i < l->n; i++)
		block_free(&l->v[i]);
	free(l->v);
	*l = (struct qmp_blocks){ .n = 0 };
}

/* image.format-specific.data.data-file, of qcow2 alone. */
static int read_data_file(struct json_at image, const char **data,
			  struct err *err)
{
	struct json_at specific, inside;

	if (json_opt_object(image, "format-specific", &specific, err) < 0)
		return -1;
	if (!specific.value)
		return 0;
	if (json_opt_object(specific, "data", &inside, err) < 0)
		return -1;
	return inside.value ? json_opt_str(inside, "data-file", data, err) : 0;
}

static int read_block(struct json_at entry, struct qmp_block *b,
		      struct err *err)
{
	const char *node = NULL, *driver, *file, *backing = NULL, *data = NULL;
	struct json_at image;

	if (json_opt_str(entry, "node-name", &node, err) < 0 ||
	    json_get_str(entry, "drv", &driver, err) < 0 ||
	    json_get_str(entry, "file", &file, err) < 0 ||
	    json_get_bool(entry, "ro", &b->read_only, err) < 0 ||
	    json_get_object(entry, "image", &image, err) < 0 ||
	    json_opt_str(image, "backing-filename", &backing, err) < 0 ||
	    read_data_file(image, &data, err) < 0)
		return -1;
	b->kind = qmp_blocks_kind(driver);
	b->node = xstrdup(node);
	b->driver = xstrdup(driver);
	b->file = xstrdup(file);
	b->backing = xstrdup(backing);
	b->data = xstrdup(data);
	return 0;
}

static int read_all(struct json_at all, struct qmp_blocks *out, struct err *err)
{
	size_t n = json_length(all);
	struct json_at one;

	if (!json_object_is_type(all.value, json_type_array))
		return err_set(err, ERR_PROTOCOL, "%s: expected a list",
			       all.path);
	if (n > QMP_BLOCKS_MAX)
		return err_set(err, ERR_PROTOCOL, "%s: %zu nodes, more than %d",
			       all.path, n, QMP_BLOCKS_MAX);
	out->v = xcalloc(n, sizeof(*out->v));
	for (; out->n < n; out->n++) {
		if (json_index(all, out->n, &one, err) < 0 ||
		    read_block(one, &out->v[out->n], err) < 0)
			return -1;
	}
	return 0;
}

int qmp_blocks_query(struct qmp *q, struct qmp_blocks *out,
		     struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at all = { NULL, "query-named-block-nodes" };
	struct json_object *args = json_add_bool(json_new(), "flat", true);

	*out = (struct qmp_blocks){ .n = 0 };
	if (qmp_call(q, all.path, args, &reply, deadline, err) < 0)
		return -1;
	all.value = reply;
	if (read_all(all, out, err) == 0)
		return 0;
	qmp_blocks_free(out);
	return -1;
}
