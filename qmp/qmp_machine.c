/* SPDX-License-Identifier: MIT */
/* qmp_machine: commands that read what a guest is made of. */
#include "qmp/qmp_machine.h"

#include <stdlib.h>
#include <string.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* Runs a query that returns a list; *list keeps the reply. */
static int query_list(struct qmp *q, const char *command,
		      struct json_object *args, struct json_at *list,
		      struct mono deadline, struct err *err)
{
	struct json_object *reply = NULL;

	*list = (struct json_at){ NULL, command };
	if (qmp_call(q, command, args, &reply, deadline, err) < 0)
		return -1;
	if (!json_object_is_type(reply, json_type_array)) {
		json_object_put(reply);
		return err_set(err, ERR_PROTOCOL, "%s: expected a list",
			       command);
	}
	list->value = reply;
	return 0;
}

typedef int take_entry(void *arg, struct json_at entry, struct err *err);

/* Calls @take for each object of the list that @command returns. */
static int for_each(struct qmp *q, const char *command,
		    struct json_object *args, take_entry *take, void *arg,
		    struct mono deadline, struct err *err)
{
	struct json_at list, entry;
	int result = 0;

	if (query_list(q, command, args, &list, deadline, err) < 0)
		return -1;
	for (size_t i = 0; i < json_length(list) && result == 0; i++) {
		result = json_index(list, i, &entry, err);
		if (result == 0)
			result = take(arg, entry, err);
	}
	json_object_put(list.value);
	return result;
}

/* --- machine, memory, processors ----------------------------------------- */

int qmp_qom_get(struct qmp *q, const char *path, const char *property,
		struct json_object **reply, struct mono deadline,
		struct err *err)
{
	struct json_object *args = json_new();

	json_add_str(args, "path", path);
	json_add_str(args, "property", property);
	return qmp_call(q, "qom-get", args, reply, deadline, err);
}

int qmp_machine_type(struct qmp *q, char **type, struct mono deadline,
		     struct err *err)
{
	static const char suffix[] = "-machine";
	AUTO_JSON struct json_object *reply = NULL;
	const char *word;
	size_t len;

	if (qmp_qom_get(q, "/machine", "type", &reply, deadline, err) < 0)
		return -1;
	if (!json_object_is_type(reply, json_type_string))
		return err_set(err, ERR_PROTOCOL,
			       "type of /machine: expected a string");
	word = json_object_get_string(reply);
	len = strlen(word);
	if (len > strlen(suffix) &&
	    strcmp(word + len - strlen(suffix), suffix) == 0)
		len -= strlen(suffix);
	*type = xstrndup(word, len);
	return 0;
}

int qmp_memory_bytes(struct qmp *q, uint64_t *bytes, struct mono deadline,
		     struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-memory-size-summary" };
	uint64_t base, plugged = 0;

	if (qmp_call(q, at.path, NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	if (json_get_u64(at, "base-memory", &base, err) < 0 ||
	    json_opt_u64(at, "plugged-memory", &plugged, err) < 0)
		return -1;
	if (__builtin_add_overflow(base, plugged, bytes))
		return err_set(err, ERR_PROTOCOL, "%s: impossible sizes",
			       at.path);
	return 0;
}

int qmp_vcpu_count(struct qmp *q, unsigned int *count, struct mono deadline,
		   struct err *err)
{
	struct json_at list;

	if (query_list(q, "query-cpus-fast", NULL, &list, deadline, err) < 0)
		return -1;
	*count = (unsigned int)json_length(list);
	json_object_put(list.value);
	return 0;
}

int qmp_kvm_enabled(struct qmp *q, bool *enabled, struct mono deadline,
		    struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-kvm" };

	if (qmp_call(q, at.path, NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	return json_get_bool(at, "enabled", enabled, err);
}

/* --- all devices --------------------------------------------------------- */

char *qmp_child_type(const char *type)
{
	static const char prefix[] = "child<";
	size_t len = strlen(type);

	if (strncmp(type, prefix, strlen(prefix)) != 0 || type[len - 1] != '>')
		return NULL;
	return xstrndup(type + strlen(prefix), len - strlen(prefix) - 1);
}

static int add_type(void *arg, struct json_at entry, struct err *err)
{
	struct strv *types = arg;
	const char *word;
	char *type;

	if (json_get_str(entry, "type", &word, err) < 0)
		return -1;
	type = qmp_child_type(word);
	if (type)
		strv_take(types, type);
	return 0;
}

int qmp_device_types(struct qmp *q, struct strv *types, struct mono deadline,
		     struct err *err)
{
	static const char *const parents[] = {
		"/machine/peripheral",
		"/machine/peripheral-anon",
		"/machine/unattached",
	};

	for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
		if (for_each(q, "qom-list",
			     json_add_str(json_new(), "path", parents[i]),
			     add_type, types, deadline, err) < 0)
			return -1;
	}
	return 0;
}

/* --- disks --------------------------------------------------------------- */

static void disk_free(struct qmp_disk *d)
{
	free(d->device);
	free(d->qdev);
	free(d->node_name);
	free(d->file);
	free(d->driver);
}

void qmp_disks_free(struct qmp_disks *d)
{
	for (size_t i = 0; i < d->n; i++)
		disk_free(&d->v[i]);
	free(d->v);
	*d = (struct qmp_disks){ .n = 0 };
}

static int read_limits(struct json_at inserted, bool *limited, struct err *err)
{
	static const char *const keys[] = { "iops", "iops_rd", "iops_wr",
					    "bps",  "bps_rd",  "bps_wr" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		uint64_t limit = 0;

		if (json_opt_u64(inserted, keys[i], &limit, err) < 0)
			return -1;
		*limited |= limit != 0;
	}
	return 0;
}

static int read_disk(struct json_at entry, struct json_at inserted,
		     struct qmp_disk *d, struct err *err)
{
	const char *device = "", *qdev = NULL, *node = NULL, *file, *driver;
	struct json_at image;

	if (json_opt_str(entry, "device", &device, err) < 0 ||
	    json_opt_str(entry, "qdev", &qdev, err) < 0 ||
	    json_opt_str(inserted, "node-name", &node, err) < 0 ||
	    json_get_str(inserted, "file", &file, err) < 0 ||
	    json_get_str(inserted, "drv", &driver, err) < 0 ||
	    json_get_bool(inserted, "ro", &d->read_only, err) < 0 ||
	    read_limits(inserted, &d->limited, err) < 0 ||
	    json_get_object(inserted, "image", &image, err) < 0 ||
	    json_get_u64(image, "virtual-size", &d->virtual_bytes, err) < 0)
		return -1;
	d->device = xstrdup(device);
	d->qdev = xstrdup(qdev);
	d->node_name = xstrdup(node);
	d->file = xstrdup(file);
	d->driver = xstrdup(driver);
	return 0;
}

static int add_disk(void *arg, struct json_at entry, struct err *err)
{
	struct qmp_disks *out = arg;
	struct json_at inserted;
	struct qmp_disk d = { 0 };

	if (json_opt_object(entry, "inserted", &inserted, err) < 0)
		return -1;
	if (!inserted.value)
		return 0;
	if (read_disk(entry, inserted, &d, err) < 0)
		return -1;
	out->v = xrealloc(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n++] = d;
	return 0;
}

int qmp_query_disks(struct qmp *q, struct qmp_disks *out, struct mono deadline,
		    struct err *err)
{
	*out = (struct qmp_disks){ .n = 0 };
	if (for_each(q, "query-block", NULL, add_disk, out, deadline, err) == 0)
		return 0;
	qmp_disks_free(out);
	return -1;
}

/* --- images -------------------------------------------------------------- */

void qmp_images_free(struct qmp_images *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].file);
		free(l->v[i].backing);
	}
	free(l->v);
	*l = (struct qmp_images){ .n = 0 };
}

static struct qmp_image *image_of(struct qmp_images *l, const char *file)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->v[i].file, file))
			return &l->v[i];
	}
	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = (struct qmp_image){ .file = xstrdup(file) };
	return &l->v[l->n++];
}

/* A format's node has the name of its file's node, and knows what is below. */
static int add_image(void *arg, struct json_at entry, struct err *err)
{
	const char *file, *driver, *backing = NULL;
	struct qmp_image *one;
	struct json_at image;

	if (json_get_str(entry, "file", &file, err) < 0 ||
	    json_get_str(entry, "drv", &driver, err) < 0 ||
	    json_get_object(entry, "image", &image, err) < 0 ||
	    json_opt_str(image, "backing-filename", &backing, err) < 0)
		return -1;
	if (strncmp(driver, "host_", 5) != 0 && strcmp(driver, "file") != 0 &&
	    !backing)
		return 0;
	one = image_of(arg, file);
	if (backing && !one->backing)
		one->backing = xstrdup(backing);
	return 0;
}

int qmp_query_images(struct qmp *q, struct qmp_images *out,
		     struct mono deadline, struct err *err)
{
	*out = (struct qmp_images){ .n = 0 };
	if (for_each(q, "query-named-block-nodes", NULL, add_image, out,
		     deadline, err) == 0)
		return 0;
	qmp_images_free(out);
	return -1;
}

/* --- jobs ----------------------------------------------------------------- */

static int add_job(void *arg, struct json_at entry, struct err *err)
{
	struct strv *jobs = arg;
	const char *id, *type, *status;

	if (json_get_str(entry, "id", &id, err) < 0 ||
	    json_get_str(entry, "type", &type, err) < 0 ||
	    json_get_str(entry, "status", &status, err) < 0)
		return -1;
	if (strcmp(status, "concluded") != 0 && strcmp(status, "null") != 0)
		strv_pushf(jobs, "%s %s %s", type, id, status);
	return 0;
}

int qmp_query_jobs(struct qmp *q, struct strv *jobs, struct mono deadline,
		   struct err *err)
{
	return for_each(q, "query-jobs", NULL, add_job, jobs, deadline, err);
}

char *qmp_human(struct qmp *q, const char *command, struct mono deadline,
		struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;

	if (qmp_call(q, "human-monitor-command",
		     json_add_str(json_new(), "command-line", command), &reply,
		     deadline, err) < 0)
		return NULL;
	if (!json_object_is_type(reply, json_type_string)) {
		err_set(err, ERR_PROTOCOL, "%s: expected text", command);
		return NULL;
	}
	return xstrdup(json_object_get_string(reply));
}
