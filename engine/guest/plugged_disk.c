/* SPDX-License-Identifier: MIT */
/* plugged_disk: a block node as the options that would open it anew. */
#include "engine/guest/plugged_disk.h"

#include <string.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

static const struct qmp_block *find_node(const struct plugged_disk_input *in,
					 const char *node)
{
	for (size_t i = 0; i < in->blocks->n; i++) {
		const struct qmp_block *b = &in->blocks->v[i];

		if (b->node && !strcmp(b->node, node))
			return b;
	}
	return NULL;
}

/* The child @name of @node, or NULL. */
static const char *child_of(const struct plugged_disk_input *in,
			    const char *node, const char *name)
{
	for (size_t i = 0; i < in->edges->n; i++) {
		const struct qmp_block_edge *e = &in->edges->v[i];

		if (!strcmp(e->parent, node) && !strcmp(e->name, name))
			return e->child;
	}
	return NULL;
}

static size_t count_children(const struct plugged_disk_input *in,
			     const char *node)
{
	size_t n = 0;

	for (size_t i = 0; i < in->edges->n; i++)
		n += !strcmp(in->edges->v[i].parent, node);
	return n;
}

static bool is_made_up(const char *node)
{
	return *node == '#';
}

/* What is the same for all drivers. */
static struct json_object *common(const struct qmp_block *b, const char *name)
{
	struct json_object *o = json_add_str(json_new(), "driver", b->driver);
	struct json_object *cache = json_new();

	if (name)
		json_add_str(o, "node-name", name);
	json_add_bool(o, "read-only", b->read_only);
	json_add_bool(cache, "direct", b->direct);
	json_add_bool(cache, "no-flush", b->no_flush);
	json_add_sub(o, "cache", cache);
	if (b->detect_zeroes && strcmp(b->detect_zeroes, "off") != 0)
		json_add_str(o, "detect-zeroes", b->detect_zeroes);
	return o;
}

static struct json_object *make(const struct plugged_disk_input *in,
				const char *node, const char *name, int depth,
				struct strv *options, struct err *err);

/*
 * Puts what @node has as @child into @o: by name where it has one, itself
 * otherwise.
 */
static int put_child(const struct plugged_disk_input *in, const char *node,
		     const char *child, int depth, struct json_object *o,
		     struct strv *options, struct err *err)
{
	struct json_object *below;

	if (is_made_up(node)) {
		below = make(in, node, NULL, depth - 1, options, err);
		if (!below)
			return -1;
		json_add_sub(o, child, below);
		return 0;
	}
	if (plugged_disk(in, node, options, err) < 0)
		return -1;
	json_add_str(o, child, node);
	return 0;
}

/* raw and qcow2: over one file, and of qcow2 what it is based on. */
static int put_children(const struct plugged_disk_input *in,
			const struct qmp_block *b, int depth,
			struct json_object *o, struct strv *options,
			struct err *err)
{
	const char *file = child_of(in, b->node, "file");
	const char *backing = child_of(in, b->node, "backing");

	if (!file || count_children(in, b->node) != (backing ? 2 : 1))
		return err_set(err, ERR_REFUSED,
			       "its node %s keeps its data in more than one "
			       "file",
			       b->node);
	if (put_child(in, file, "file", depth, o, options, err) < 0)
		return -1;
	if (!backing && b->backing)
		json_add_sub(o, "backing", NULL);
	if (!backing || is_made_up(backing))
		return 0;
	return put_child(in, backing, "backing", depth, o, options, err);
}

static int refuse(const struct qmp_block *b, struct err *err)
{
	if (b->encrypted)
		return err_set(err, ERR_REFUSED, "%s is encrypted", b->file);
	if (!strncmp(b->file, "json:", 5))
		return err_set(err, ERR_REFUSED,
			       "its node %s has options that only its name "
			       "has: %s",
			       b->node, b->file);
	return 0;
}

static struct json_object *make(const struct plugged_disk_input *in,
				const char *node, const char *name, int depth,
				struct strv *options, struct err *err)
{
	const struct qmp_block *b = find_node(in, node);
	AUTO_JSON struct json_object *o = NULL;

	if (!b || !depth) {
		err_set(err, ERR_REFUSED, "its node %s is not reported by QEMU",
			node);
		return NULL;
	}
	if (refuse(b, err) < 0)
		return NULL;
	o = common(b, name);
	if (!strcmp(b->driver, "raw") || !strcmp(b->driver, "qcow2")) {
		if (put_children(in, b, depth, o, options, err) < 0)
			return NULL;
	} else if (b->kind == QMP_BLOCK_FILE) {
		json_add_str(o, "filename", b->file);
	} else {
		err_set(err, ERR_REFUSED, "its node %s is of the driver %s",
			node, b->driver);
		return NULL;
	}
	return STEAL(o);
}

int plugged_disk(const struct plugged_disk_input *in, const char *node,
		 struct strv *options, struct err *err)
{
	const char *root = find_node(in, node) ? node
					       : child_of(in, node, "root");
	AUTO_JSON struct json_object *o = NULL;

	if (strv_has(in->known, node))
		return 0;
	if (!root)
		return err_set(err, ERR_REFUSED, "its node %s is not there",
			       node);
	o = make(in, root, node, PLUGGED_DISK_DEPTH, options, err);
	if (!o)
		return -1;
	strv_push(options, "-blockdev");
	strv_take(options, json_line(o));
	return 0;
}
