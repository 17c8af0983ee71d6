/* SPDX-License-Identifier: MIT */
/* qmp_plug: the devices of a guest as options that would make them anew. */
#include "qmp/qmp_plug.h"

#include <stdlib.h>
#include <string.h>

#include "qmp/json.h"
#include "qmp/qmp_machine.h"
#include "transport/base/xalloc.h"

static const char objects_path[] = "/objects/";

/* --- questions ------------------------------------------------------------ */

/* The list that @command answers with, owned; NULL on errors. */
static struct json_object *list_of(struct qmp *q, const char *command,
				   struct json_object *args,
				   struct mono deadline, struct err *err)
{
	struct json_object *reply = NULL;

	if (qmp_call(q, command, args, &reply, deadline, err) < 0)
		return NULL;
	if (!json_object_is_type(reply, json_type_array)) {
		json_object_put(reply);
		err_set(err, ERR_PROTOCOL, "%s: expected a list", command);
		return NULL;
	}
	return reply;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* --- devices -------------------------------------------------------------- */

static void plug_free(struct qmp_plug *d)
{
	free(d->path);
	free(d->id);
	free(d->type);
}

void qmp_plugs_free(struct qmp_plugs *l)
{
	for (size_t i = 0; i < l->n; i++)
		plug_free(&l->v[i]);
	free(l->v);
	*l = (struct qmp_plugs){ .n = 0 };
}

char *qmp_plug_label(const struct qmp_plug *d)
{
	const char *name = strrchr(d->path, '/');

	return xasprintf("%s (%s)", d->id ? d->id : name + 1, d->type);
}

static int read_hotplugged(struct qmp *q, struct qmp_plug *d,
			   struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *value = NULL;

	if (qmp_qom_get(q, d->path, "hotplugged", &value, deadline, err) < 0)
		return -1;
	if (!json_object_is_type(value, json_type_boolean))
		return err_set(err, ERR_PROTOCOL,
			       "hotplugged of %s: expected true or false",
			       d->path);
	d->hotplugged = json_object_get_boolean(value);
	return 0;
}

static int add_plugs(struct qmp *q, const char *parent, bool named,
		     struct qmp_plugs *out, struct mono deadline,
		     struct err *err)
{
	AUTO_JSON struct json_object *list =
		list_of(q, "qom-list", json_add_str(json_new(), "path", parent),
			deadline, err);
	struct json_at all = { list, "qom-list" };
	const char *name, *word;
	struct json_at one;

	if (!list)
		return -1;
	for (size_t i = 0; i < json_length(all); i++) {
		AUTO_FREE char *type = NULL;
		struct qmp_plug *d;

		if (json_index(all, i, &one, err) < 0 ||
		    json_get_str(one, "name", &name, err) < 0 ||
		    json_get_str(one, "type", &word, err) < 0)
			return -1;
		type = qmp_child_type(word);
		if (!type)
			continue;
		if (out->n == QMP_PLUG_MAX)
			return err_set(err, ERR_PROTOCOL,
				       "%s: more than %d devices", parent,
				       QMP_PLUG_MAX);
		d = &out->v[out->n++];
		d->path = xasprintf("%s/%s", parent, name);
		d->id = named ? xstrdup(name) : NULL;
		d->type = STEAL(type);
		if (read_hotplugged(q, d, deadline, err) < 0)
			return -1;
	}
	return 0;
}

int qmp_plugs_query(struct qmp *q, struct qmp_plugs *out, struct mono deadline,
		    struct err *err)
{
	*out = (struct qmp_plugs){ .v = xcalloc(QMP_PLUG_MAX,
						sizeof(*out->v)) };
	if (add_plugs(q, "/machine/peripheral", true, out, deadline, err) ==
		    0 &&
	    add_plugs(q, "/machine/peripheral-anon", false, out, deadline,
		      err) == 0)
		return 0;
	qmp_plugs_free(out);
	return -1;
}

/* --- the options of a device ---------------------------------------------- */

struct reading {
	struct qmp *q;
	const struct qmp_plug *d;
	struct json_object *device; /* what there is to it: qom-list */
	struct json_object *option;
	struct strv *objects;
	struct mono deadline;
};

static bool has_property(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(r->device); i++) {
		struct json_at at = { json_object_array_get_idx(r->device, i),
				      "qom-list" };
		const char *one = NULL;

		if (json_opt_str(at, "name", &one, NULL) == 0 && one &&
		    !strcmp(one, name))
			return true;
	}
	return false;
}

/* What no -device takes: made by the device itself. */
static bool is_own(const struct reading *r, const char *name, const char *type)
{
	return begins(name, "x-") || begins(type, "child<") ||
	       /* of a USB device: whether the guest sees it */
	       !strcmp(name, "attached") ||
	       /* of a PCI device: where its bus is now */
	       !strcmp(name, "busnr") ||
	       /* of a DIMM: its memory's */
	       (!strcmp(name, "size") && has_property(r, "memdev"));
}

/*
 * Whether @value says nothing: the default, or, of properties whose default
 * QEMU does not report, what means nothing.
 */
static bool is_default(struct json_at property, struct json_object *value)
{
	struct json_object *normal = NULL;

	if (json_object_object_get_ex(property.value, "default-value", &normal))
		return json_object_equal(normal, value);
	if (json_object_is_type(value, json_type_string))
		return !*json_object_get_string(value);
	if (json_object_is_type(value, json_type_array))
		return !json_object_array_length(value);
	/* bootindex */
	return json_object_is_type(value, json_type_int) &&
	       json_object_get_int64(value) == -1;
}

/* A link leads to an object of /objects, or to a part of the device. */
static int take_link(struct reading *r, const char *name,
		     struct json_object *value, struct err *err)
{
	const char *to = json_object_get_string(value);

	if (begins(to, r->d->path) && to[strlen(r->d->path)] == '/')
		return 0;
	if (!begins(to, objects_path))
		return err_set(err, ERR_REFUSED, "its %s is %s", name, to);
	strv_push(r->objects, to + strlen(objects_path));
	json_add_str(r->option, name, to + strlen(objects_path));
	return 0;
}

/*
 * QEMU chose the port of a USB device, and says which only in
 * "  Device 0.2, Port 2, Speed 12 Mb/s, Product X, ID: mouse0".
 */
static int take_port(struct reading *r, struct err *err)
{
	AUTO_FREE char *text = qmp_human(r->q, "info usb", r->deadline, err);
	AUTO_FREE char *end = xasprintf(", ID: %s", r->d->id ? r->d->id : "");
	static const char mark[] = ", Port ";
	char *rest = text;

	if (!text)
		return -1;
	for (char *line; (line = strsep(&rest, "\r\n"));) {
		size_t len = strlen(line);
		char *port = strstr(line, mark);

		if (!r->d->id || !port || len < strlen(end) ||
		    strcmp(line + len - strlen(end), end) != 0)
			continue;
		port += strlen(mark);
		port[strcspn(port, ",")] = '\0';
		json_add_str(r->option, "port", port);
		return 0;
	}
	return err_set(err, ERR_REFUSED,
		       "its USB port is not reported by QEMU");
}

static int take_property(struct reading *r, struct json_at property,
			 struct err *err)
{
	AUTO_JSON struct json_object *value = NULL;
	const char *name, *type;

	if (json_get_str(property, "name", &name, err) < 0 ||
	    json_get_str(property, "type", &type, err) < 0)
		return -1;
	if (is_own(r, name, type) || !has_property(r, name))
		return 0;
	if (qmp_qom_get(r->q, r->d->path, name, &value, r->deadline, err) < 0)
		return -1;
	if (!strcmp(name, "port") &&
	    json_object_is_type(value, json_type_string) &&
	    !*json_object_get_string(value))
		return take_port(r, err);
	if (!value || is_default(property, value))
		return 0;
	if (begins(type, "link<"))
		return take_link(r, name, value, err);
	if (json_object_is_type(value, json_type_array) ||
	    json_object_is_type(value, json_type_object))
		return err_set(err, ERR_REFUSED, "its %s is a list", name);
	json_add_sub(r->option, name, STEAL(value));
	return 0;
}

static int take_properties(struct reading *r, struct err *err)
{
	AUTO_JSON struct json_object *list =
		list_of(r->q, "device-list-properties",
			json_add_str(json_new(), "typename", r->d->type),
			r->deadline, err);
	struct json_at all = { list, "device-list-properties" };
	struct json_at one;

	if (!list)
		return -1;
	for (size_t i = 0; i < json_length(all); i++) {
		if (json_index(all, i, &one, err) < 0 ||
		    take_property(r, one, err) < 0)
			return -1;
	}
	return 0;
}

/* A processor is where it is; -cpu says what all of them are. */
static int take_processor(struct reading *r, struct err *err)
{
	AUTO_JSON struct json_object *list = list_of(
		r->q, "query-hotpluggable-cpus", NULL, r->deadline, err);
	struct json_at all = { list, "query-hotpluggable-cpus" };
	struct json_at one, place;

	if (!list)
		return -1;
	for (size_t i = 0; i < json_length(all); i++) {
		const char *path = NULL;

		if (json_index(all, i, &one, err) < 0 ||
		    json_opt_str(one, "qom-path", &path, err) < 0 ||
		    json_get_object(one, "props", &place, err) < 0)
			return -1;
		if (!path || strcmp(path, r->d->path) != 0)
			continue;
		json_object_object_foreach(place.value, key, value)
			json_add_sub(r->option, key, json_object_get(value));
		return 0;
	}
	return err_set(err, ERR_PROTOCOL, "%s: %s is not in it", all.path,
		       r->d->path);
}

static int take_bus(struct reading *r, char **bus, struct err *err)
{
	AUTO_JSON struct json_object *value = NULL;
	const char *path, *name;

	if (!has_property(r, "parent_bus"))
		return 0;
	if (qmp_qom_get(r->q, r->d->path, "parent_bus", &value, r->deadline,
			err) < 0)
		return -1;
	path = json_object_get_string(value);
	name = path ? strrchr(path, '/') : NULL;
	if (!name || !name[1])
		return 0;
	json_add_str(r->option, "bus", name + 1);
	*bus = xstrdup(path);
	return 0;
}

static bool is_processor(const char *type)
{
	static const char suffix[] = "-cpu";
	size_t len = strlen(type);

	return len > strlen(suffix) &&
	       !strcmp(type + len - strlen(suffix), suffix);
}

struct json_object *qmp_plug_device(struct qmp *q, const struct qmp_plug *d,
				    struct strv *objects, char **bus,
				    struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *option =
		json_add_str(json_new(), "driver", d->type);
	AUTO_JSON struct json_object *device = NULL;
	struct reading r = { q, d, NULL, option, objects, deadline };

	*bus = NULL;
	if (d->id)
		json_add_str(option, "id", d->id);
	if (is_processor(d->type))
		return take_processor(&r, err) < 0 ? NULL : STEAL(option);
	device = list_of(q, "qom-list",
			 json_add_str(json_new(), "path", d->path), deadline,
			 err);
	r.device = device;
	if (!device || take_bus(&r, bus, err) < 0 ||
	    take_properties(&r, err) < 0)
		return NULL;
	return STEAL(option);
}

/* --- objects -------------------------------------------------------------- */

/*
 * The properties of each type that -object takes. A value of zero or "" says
 * nothing of those in @if_set.
 */
static const struct object_type {
	const char *name;
	const char *properties[12];
	const char *if_set[4];
} object_types[] = {
	{ "memory-backend-ram",
	  { "size", "share", "merge", "dump", "prealloc", "reserve" },
	  { 0 } },
	{ "memory-backend-memfd",
	  { "size", "share", "merge", "dump", "prealloc", "reserve", "seal",
	    "hugetlb" },
	  { "hugetlbsize" } },
	{ "memory-backend-file",
	  { "size", "share", "merge", "dump", "prealloc", "reserve", "mem-path",
	    "discard-data" },
	  { "align" } },
	{ "iothread",
	  { "poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch" },
	  { 0 } },
	{ "rng-random", { "filename" }, { 0 } },
	{ "rng-builtin", { 0 }, { 0 } },
};

static const struct object_type *find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(object_types); i++) {
		if (!strcmp(object_types[i].name, name))
			return &object_types[i];
	}
	return NULL;
}

static int take_of_object(struct qmp *q, const char *path, const char *property,
			  bool if_set, struct json_object *option,
			  struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *value = NULL;

	if (qmp_qom_get(q, path, property, &value, deadline, err) < 0)
		return -1;
	if (!if_set || json_object_get_boolean(value))
		json_add_sub(option, property, STEAL(value));
	return 0;
}

/* Of memory: nothing but QEMU's default policy is made anew. */
static int refuse_policy(struct qmp *q, const char *path, const char *type,
			 struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *value = NULL;

	if (!begins(type, "memory-backend-"))
		return 0;
	if (qmp_qom_get(q, path, "policy", &value, deadline, err) < 0)
		return -1;
	if (json_object_is_type(value, json_type_string) &&
	    !strcmp(json_object_get_string(value), "default"))
		return 0;
	return err_set(err, ERR_REFUSED, "%s is bound to nodes of this host",
		       path + strlen(objects_path));
}

static int take_object(struct qmp *q, const char *path,
		       const struct object_type *t, struct json_object *option,
		       struct mono deadline, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->properties); i++) {
		if (t->properties[i] &&
		    take_of_object(q, path, t->properties[i], false, option,
				   deadline, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(t->if_set); i++) {
		if (t->if_set[i] && take_of_object(q, path, t->if_set[i], true,
						   option, deadline, err) < 0)
			return -1;
	}
	return refuse_policy(q, path, t->name, deadline, err);
}

struct json_object *qmp_plug_object(struct qmp *q, const char *id,
				    struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *option = json_new();
	AUTO_JSON struct json_object *value = NULL;
	AUTO_FREE char *path = xasprintf("%s%s", objects_path, id);
	const struct object_type *t;

	if (qmp_qom_get(q, path, "type", &value, deadline, err) < 0)
		return NULL;
	if (!json_object_is_type(value, json_type_string)) {
		err_set(err, ERR_PROTOCOL, "type of %s: expected a string",
			path);
		return NULL;
	}
	t = find_type(json_object_get_string(value));
	if (!t) {
		err_set(err, ERR_REFUSED, "%s is a %s", id,
			json_object_get_string(value));
		return NULL;
	}
	json_add_str(option, "qom-type", t->name);
	json_add_str(option, "id", id);
	return take_object(q, path, t, option, deadline, err) < 0
		       ? NULL
		       : STEAL(option);
}
