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
	free(b->detect_zeroes);
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

/* How it is used, where QEMU says it. */
static int read_use(struct json_at entry, struct qmp_block *b, struct err *err)
{
	const char *zeroes = NULL;
	struct json_at cache;

	if (json_opt_object(entry, "cache", &cache, err) < 0 ||
	    json_opt_bool(entry, "encrypted", &b->encrypted, err) < 0 ||
	    json_opt_str(entry, "detect_zeroes", &zeroes, err) < 0)
		return -1;
	b->detect_zeroes = xstrdup(zeroes);
	if (!cache.value)
		return 0;
	return json_opt_bool(cache, "direct", &b->direct, err) < 0
		       ? -1
		       : json_opt_bool(cache, "no-flush", &b->no_flush, err);
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
	return read_use(entry, b, err);
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
		    read_block(one, &out->v[out->n], err) < 0) {
			block_free(&out->v[out->n]);
			return -1;
		}
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

/* --- what is below what --------------------------------------------------- */

static void edge_free(struct qmp_block_edge *e)
{
	free(e->parent);
	free(e->child);
	free(e->name);
}

void qmp_block_edges_free(struct qmp_block_edges *l)
{
	for (size_t i = 0; i < l->n; i++)
		edge_free(&l->v[i]);
	free(l->v);
	*l = (struct qmp_block_edges){ .n = 0 };
}

/* The name of the node @id, borrowed. */
static int name_of(struct json_at nodes, uint64_t id, const char **name,
		   struct err *err)
{
	struct json_at one;
	uint64_t its = 0;

	for (size_t i = 0; i < json_length(nodes); i++) {
		if (json_index(nodes, i, &one, err) < 0 ||
		    json_get_u64(one, "id", &its, err) < 0)
			return -1;
		if (its == id)
			return json_get_str(one, "name", name, err);
	}
	return err_set(err, ERR_PROTOCOL, "%s: no node %llu", nodes.path,
		       (unsigned long long)id);
}

static int read_edge(struct json_at nodes, struct json_at entry,
		     struct qmp_block_edge *e, struct err *err)
{
	const char *parent = NULL, *child = NULL, *name;
	uint64_t from, to;

	if (json_get_u64(entry, "parent", &from, err) < 0 ||
	    json_get_u64(entry, "child", &to, err) < 0 ||
	    json_get_str(entry, "name", &name, err) < 0 ||
	    name_of(nodes, from, &parent, err) < 0 ||
	    name_of(nodes, to, &child, err) < 0)
		return -1;
	*e = (struct qmp_block_edge){ xstrdup(parent), xstrdup(child),
				      xstrdup(name) };
	return 0;
}

static int read_edges(struct json_at graph, struct qmp_block_edges *out,
		      struct err *err)
{
	struct json_at nodes, edges, one;
	size_t n;

	if (json_get_array(graph, "nodes", &nodes, err) < 0 ||
	    json_get_array(graph, "edges", &edges, err) < 0)
		return -1;
	n = json_length(edges);
	if (n > QMP_BLOCKS_MAX || json_length(nodes) > QMP_BLOCKS_MAX)
		return err_set(err, ERR_PROTOCOL, "%s: more than %d nodes",
			       graph.path, QMP_BLOCKS_MAX);
	out->v = xcalloc(n, sizeof(*out->v));
	for (; out->n < n; out->n++) {
		if (json_index(edges, out->n, &one, err) < 0 ||
		    read_edge(nodes, one, &out->v[out->n], err) < 0)
			return -1;
	}
	return 0;
}

int qmp_block_edges_query(struct qmp *q, struct qmp_block_edges *out,
			  struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at graph = { NULL, "x-debug-query-block-graph" };

	*out = (struct qmp_block_edges){ .n = 0 };
	if (qmp_call(q, graph.path, NULL, &reply, deadline, err) < 0)
		return -1;
	graph.value = reply;
	if (read_edges(graph, out, err) == 0)
		return 0;
	qmp_block_edges_free(out);
	return -1;
}
