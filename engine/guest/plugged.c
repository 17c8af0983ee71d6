/* SPDX-License-Identifier: MIT */
/* plugged: what was plugged into a guest after its start. */
#include "engine/guest/plugged.h"

#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_item.h"
#include "engine/argv/argv_table.h"
#include "engine/guest/plugged_disk.h"
#include "engine/guest/plugged_net.h"
#include "qmp/json.h"
#include "qmp/qmp_machine.h"
#include "qmp/qmp_plug.h"
#include "transport/base/xalloc.h"

void plugged_free(struct plugged *p)
{
	strv_free(&p->devices);
	strv_free(&p->gone);
	strv_free(&p->refused);
	strv_free(&p->unsaid);
	strv_free(&p->options);
	strv_free(&p->ids);
}

/* What the command line names: by the kind of what is made. */
struct named {
	struct strv devices, nodes, nets, objects, chardevs;
};

static void named_free(struct named *n)
{
	strv_free(&n->devices);
	strv_free(&n->nodes);
	strv_free(&n->nets);
	strv_free(&n->objects);
	strv_free(&n->chardevs);
}
#define AUTO_NAMED __attribute__((cleanup(named_free)))

static void add_name(const struct argv_item *it, const char *option,
		     const char *key, struct strv *names)
{
	AUTO_OPT struct argv_opt o = { 0 };
	const char *value;

	if (!argv_item_opt(it, option, &o))
		return;
	value = argv_opt_get(&o, key);
	if (value)
		strv_push(names, value);
}

static void read_names(const struct strv *argv, struct named *n)
{
	AUTO_ITEMS struct argv_items items = { 0 };

	argv_items_read(&items, argv, argv_table_find);
	for (size_t i = 0; i < items.n; i++) {
		const struct argv_item *it = &items.v[i];

		add_name(it, "device", "id", &n->devices);
		add_name(it, "blockdev", "node-name", &n->nodes);
		add_name(it, "drive", "id", &n->nodes);
		add_name(it, "netdev", "id", &n->nets);
		add_name(it, "object", "id", &n->objects);
		add_name(it, "chardev", "id", &n->chardevs);
	}
}

/* One reading, with the answers that several devices need. */
struct reading {
	struct qmp *q;
	struct plugged *out;
	struct mono deadline;
	struct named named;
	bool has_blocks, has_net;
	struct qmp_blocks blocks;
	struct qmp_block_edges edges;
	struct qmp_disks disks;
	char *network, *usernet;
};

static void reading_free(struct reading *r)
{
	named_free(&r->named);
	qmp_blocks_free(&r->blocks);
	qmp_block_edges_free(&r->edges);
	qmp_disks_free(&r->disks);
	free(r->network);
	free(r->usernet);
}
#define AUTO_READING __attribute__((cleanup(reading_free)))

/* By its node, or by the drive that it is. */
static bool is_limited(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->disks.n; i++) {
		const struct qmp_disk *d = &r->disks.v[i];

		if (d->limited &&
		    ((d->node_name && !strcmp(d->node_name, name)) ||
		     !strcmp(d->device, name)))
			return true;
	}
	return false;
}

static int need_disk(struct reading *r, const char *node, struct strv *options,
		     struct err *err)
{
	struct plugged_disk_input in = { &r->blocks, &r->edges,
					 &r->named.nodes };

	if (strv_has(&r->named.nodes, node))
		return 0;
	if (!r->has_blocks &&
	    (qmp_blocks_query(r->q, &r->blocks, r->deadline, err) < 0 ||
	     qmp_block_edges_query(r->q, &r->edges, r->deadline, err) < 0 ||
	     qmp_query_disks(r->q, &r->disks, r->deadline, err) < 0))
		return -1;
	r->has_blocks = true;
	if (is_limited(r, node))
		return err_set(err, ERR_REFUSED,
			       "%s has limits of operations or bytes a second",
			       node);
	if (plugged_disk(&in, node, options, err) < 0)
		return -1;
	strv_push(&r->named.nodes, node);
	strv_pushf(&r->out->unsaid, "aio= and discard= of %s", node);
	return 0;
}

static int need_net(struct reading *r, const char *id, struct strv *options,
		    struct err *err)
{
	AUTO_FREE char *value = NULL;

	if (strv_has(&r->named.nets, id))
		return 0;
	if (!r->has_net) {
		r->network = qmp_human(r->q, "info network", r->deadline, err);
		if (!r->network)
			return -1;
		r->usernet = qmp_human(r->q, "info usernet", r->deadline, err);
		if (!r->usernet)
			return -1;
	}
	r->has_net = true;
	value = plugged_net(id, r->network, r->usernet, err);
	if (!value)
		return -1;
	strv_push(&r->named.nets, id);
	if (strncmp(value, "user,", 5) != 0)
		strv_pushf(&r->out->unsaid, "vhost= of %s", id);
	strv_push(options, "-netdev");
	strv_take(options, STEAL(value));
	return 0;
}

static int need_object(struct reading *r, const char *id, struct strv *options,
		       struct err *err)
{
	AUTO_JSON struct json_object *o = NULL;

	if (strv_has(&r->named.objects, id))
		return 0;
	o = qmp_plug_object(r->q, id, r->deadline, err);
	if (!o)
		return -1;
	strv_push(&r->named.objects, id);
	strv_push(options, "-object");
	strv_take(options, json_line(o));
	return 0;
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/* All that @device needs and no option makes. */
static int need(struct reading *r, struct json_object *device,
		const struct strv *objects, struct strv *options,
		struct err *err)
{
	const char *drive = text_of(device, "drive");
	const char *netdev = text_of(device, "netdev");
	const char *chardev = text_of(device, "chardev");

	for (size_t i = 0; i < objects->n; i++) {
		if (need_object(r, objects->v[i], options, err) < 0)
			return -1;
	}
	if (drive && need_disk(r, drive, options, err) < 0)
		return -1;
	if (netdev && need_net(r, netdev, options, err) < 0)
		return -1;
	if (chardev && !strv_has(&r->named.chardevs, chardev))
		return err_set(err, ERR_REFUSED,
			       "its chardev %s was added, too", chardev);
	return 0;
}

/* The options for one device; *@bus as of qmp_plug_device(). */
static int make(struct reading *r, const struct qmp_plug *d,
		struct strv *options, char **bus, struct err *err)
{
	AUTO_STRV struct strv objects = { 0 };
	AUTO_JSON struct json_object *o =
		qmp_plug_device(r->q, d, &objects, bus, r->deadline, err);

	if (!o || need(r, o, &objects, options, err) < 0)
		return -1;
	strv_push(options, "-device");
	strv_take(options, json_line(o));
	return 0;
}

/* --- the order ------------------------------------------------------------ */

/* What is known of each device that was plugged in. */
struct plug_options {
	const struct qmp_plug *device;
	struct strv options;
	char *bus;
	bool put;
};

/* A device comes behind the one that its bus belongs to. */
static bool may_follow(const struct plug_options *all, size_t n,
		       const struct plug_options *one)
{
	for (size_t i = 0; i < n; i++) {
		const char *path = all[i].device->path;

		if (!all[i].put && &all[i] != one && one->bus &&
		    !strncmp(one->bus, path, strlen(path)) &&
		    one->bus[strlen(path)] == '/')
			return false;
	}
	return true;
}

static void put_in_order(struct plug_options *all, size_t n,
			 struct plugged *out)
{
	for (size_t round = 0; round < n; round++) {
		for (size_t i = 0; i < n; i++) {
			if (all[i].put || !may_follow(all, n, &all[i]))
				continue;
			all[i].put = true;
			strv_push_all(&out->options, &all[i].options);
		}
	}
}

/* --- all of them ---------------------------------------------------------- */

static int read_one(struct reading *r, struct plug_options *one,
		    struct err *err)
{
	AUTO_ERR struct err why = { 0 };
	AUTO_FREE char *label = qmp_plug_label(one->device);
	AUTO_FREE char *text = NULL;

	if (one->device->id)
		strv_push(&r->out->ids, one->device->id);
	if (make(r, one->device, &one->options, &one->bus, &why) == 0) {
		strv_push(&r->out->devices, label);
		return 0;
	}
	if (why.kind != ERR_REFUSED && why.kind != ERR_QMP) {
		err_move(err, &why);
		return -1;
	}
	text = err_text(&why);
	strv_pushf(&r->out->refused, "%s: %s", label, text);
	return 0;
}

static int read_all(struct reading *r, const struct qmp_plugs *plugs,
		    struct err *err)
{
	struct plug_options *all = xcalloc(plugs->n, sizeof(*all));
	size_t n = 0;
	int result = 0;

	for (size_t i = 0; i < plugs->n && result == 0; i++) {
		if (!plugs->v[i].hotplugged)
			continue;
		all[n].device = &plugs->v[i];
		result = read_one(r, &all[n++], err);
	}
	put_in_order(all, n, r->out);
	for (size_t i = 0; i < n; i++) {
		strv_free(&all[i].options);
		free(all[i].bus);
	}
	free(all);
	return result;
}

/* Also one that was taken out and plugged in again: it is made anew. */
static void find_gone(const struct qmp_plugs *plugs, const struct named *named,
		      struct plugged *out)
{
	for (size_t i = 0; i < named->devices.n; i++) {
		const char *id = named->devices.v[i];
		bool there = false;

		for (size_t k = 0; k < plugs->n && !there; k++)
			there = plugs->v[k].id && !strcmp(plugs->v[k].id, id);
		if (!there)
			strv_push(&out->gone, id);
	}
}

int plugged_read(struct qmp *q, const struct strv *argv, struct plugged *out,
		 struct mono deadline, struct err *err)
{
	AUTO_READING struct reading r = { .q = q,
					  .out = out,
					  .deadline = deadline };
	struct qmp_plugs plugs;
	int result;

	read_names(argv, &r.named);
	if (qmp_plugs_query(q, &plugs, deadline, err) < 0)
		return -1;
	find_gone(&plugs, &r.named, out);
	result = read_all(&r, &plugs, err);
	qmp_plugs_free(&plugs);
	return result;
}

void plugged_apply(const struct plugged *p, const struct strv *argv,
		   struct strv *out)
{
	AUTO_ITEMS struct argv_items items = { 0 };

	strv_push(out, argv->v[0]);
	argv_items_read(&items, argv, argv_table_find);
	for (size_t i = 0; i < items.n; i++) {
		AUTO_STRV struct strv id = { 0 };

		add_name(&items.v[i], "device", "id", &id);
		if (id.n &&
		    (strv_has(&p->gone, id.v[0]) || strv_has(&p->ids, id.v[0])))
			continue;
		argv_item_push(out, &items.v[i]);
	}
	strv_push_all(out, &p->options);
}
