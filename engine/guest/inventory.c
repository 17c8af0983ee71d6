/* SPDX-License-Identifier: MIT */
/* inventory: the guests of a host with a quick look into each. */
#include "engine/guest/inventory.h"
#include "engine/event/result.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_secret.h"
#include "engine/argv/argv.h"
#include "engine/guest/discover.h"
#include "engine/hosts/guest_socket.h"
#include "qmp/json_fields.h"
#include "transport/base/task_pool.h"
#include "qmp/holder.h"
#include "qmp/json.h"
#include "qmp/qmp_status.h"
#include "transport/base/xalloc.h"

/* At once; an SSH session serves that many channels easily. */
enum { LOOKS_AT_ONCE = 8, LOOK_MS = 4000 };

static const char *const look_names[] = {
	[LOOK_FREE] = "free",	  [LOOK_BUSY] = "busy",
	[LOOK_FAILED] = "failed", [LOOK_HMP] = "hmp-only",
	[LOOK_NONE] = "none",	  [LOOK_MANAGED] = "managed",
};
static_assert(ARRAY_SIZE(look_names) == LOOKS, "a name for each look");

static const char *const place_names[] = {
	[DISK_UNKNOWN] = NULL,
	[DISK_LOCAL] = "local",
	[DISK_SHARED] = "shared",
};
static_assert(ARRAY_SIZE(place_names) == DISK_PLACES, "a name for each place");

const char *inventory_look_name(enum monitor_look look)
{
	assert(look < LOOKS);
	return look_names[look];
}

const char *inventory_place_name(enum disk_place place)
{
	assert(place < DISK_PLACES);
	return place_names[place];
}

/* --- one guest ----------------------------------------------------------- */

static struct mono soon(struct mono deadline)
{
	return mono_min(deadline, mono_in_ms(LOOK_MS));
}

/* Each answer that fails leaves "unknown" behind; the next is asked still. */
/* What QEMU got open it calls /dev/fdset/N. */
static void name_disks(struct guest_view *g)
{
	for (size_t i = 0; i < g->disks.n; i++) {
		char **file = &g->disks.v[i].file;
		char *name = argv_handed_name(&g->guest.argv, *file);

		if (!name)
			continue;
		free(*file);
		*file = name;
	}
}

static void ask_qemu(struct guest_view *g, struct qmp *q, struct mono deadline)
{
	static const char no_uuid[] = "00000000-0000-0000-0000-000000000000";
	struct qmp_status status;
	unsigned int vcpus;
	uint64_t ram;
	bool kvm;

	if (qmp_query_status(q, &status, deadline, NULL) == 0)
		memcpy(g->state, status.raw, sizeof(g->state));
	if (qmp_query_uuid(q, g->uuid, deadline, NULL) < 0 ||
	    !strcmp(g->uuid, no_uuid))
		g->uuid[0] = '\0';
	if (qmp_memory_bytes(q, &ram, deadline, NULL) == 0)
		g->ram_bytes = ram;
	if (qmp_vcpu_count(q, &vcpus, deadline, NULL) == 0)
		g->vcpus = vcpus;
	if (qmp_kvm_enabled(q, &kvm, deadline, NULL) == 0)
		g->kvm = kvm;
	g->disks_known = qmp_query_disks(q, &g->disks, deadline, NULL) == 0;
	if (!g->disks_known)
		qmp_disks_free(&g->disks);
	name_disks(g);
	g->places = xcalloc(g->disks.n + 1, sizeof(*g->places));
}

static void look_failed(struct guest_view *g, struct host *h, const char *path)
{
	g->look = g->why.kind == ERR_BUSY ? LOOK_BUSY : LOOK_FAILED;
	if (g->look == LOOK_BUSY && host_is_local(h))
		g->holder = holder_of_unix_socket(path);
}

static void look(struct guest_view *g, struct host *h, struct mono deadline)
{
	const struct guest_socket_owner owner = { g->guest.uid, g->guest.pid };
	const struct monitor *m = guest_qmp(&g->guest);
	struct stream *s;
	struct qmp *q;

	if (g->guest.manager) {
		g->look = LOOK_MANAGED;
		return;
	}
	if (!m) {
		g->look = g->guest.n_monitors ? LOOK_HMP : LOOK_NONE;
		return;
	}
	s = guest_socket_connect(h, m->path, &owner, deadline, &g->why);
	q = s ? qmp_open(s, "guest", deadline, &g->why) : NULL;
	if (!q) {
		look_failed(g, h, m->path);
		return;
	}
	g->look = LOOK_FREE;
	ask_qemu(g, q, deadline);
	qmp_close(q);
}

/* --- where the disks are ----------------------------------------------- */

enum disk_place inventory_place(const char *file_system)
{
	static const char *const shared[] = {
		"nfs",	"cifs", "smb",	 "smb2", "ceph",   "gfs/gfs2",
		"gfs2", "afs",	"ocfs2", "coda", "lustre", "v9fs",
		"acfs", "gpfs", "panfs", "snfs",
	};

	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		if (!strcmp(file_system, shared[i]))
			return DISK_SHARED;
	}
	/* FUSE carries both kinds; a device node says nothing of its disk */
	if (!strncmp(file_system, "fuse", 4) || !strcmp(file_system, "tmpfs") ||
	    !strncmp(file_system, "UNK", 3))
		return DISK_UNKNOWN;
	return DISK_LOCAL;
}

/* The words of "protocol:…" names that lead over a network. */
static bool is_network_name(const char *file)
{
	static const char *const schemes[] = { "nbd:",	 "nbd+", "rbd:",
					       "iscsi:", "nfs:", "gluster",
					       "ssh:",	 "http" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (!strncmp(file, schemes[i], strlen(schemes[i])))
			return true;
	}
	return false;
}

/* "TYPE PATH" lines of stat, to all disks of that path. */
static void take_place(struct inventory *inv, const char *type,
		       const char *path)
{
	for (size_t i = 0; i < inv->n; i++) {
		struct guest_view *g = &inv->v[i];

		for (size_t d = 0; d < g->disks.n; d++) {
			if (!strcmp(g->disks.v[d].file, path))
				g->places[d] = inventory_place(type);
		}
	}
}

static void place_by_name(struct inventory *inv, struct strv *argv)
{
	for (size_t i = 0; i < inv->n; i++) {
		struct guest_view *g = &inv->v[i];

		for (size_t d = 0; d < g->disks.n; d++) {
			const char *file = g->disks.v[d].file;

			if (is_network_name(file))
				g->places[d] = DISK_SHARED;
			else if (file[0] == '/')
				strv_push(argv, file);
		}
	}
}

/* One question for all disks of a host; without an answer: unknown. */
static void place_disks(struct inventory *inv, struct host *h,
			struct mono deadline)
{
	AUTO_STRV struct strv argv = { 0 };
	struct host_result result = { 0 };
	struct host_command cmd = { .deadline = deadline };
	char *next, *line;

	strv_push(&argv, "stat");
	strv_push(&argv, "-Lfc");
	strv_push(&argv, "%T %n");
	strv_push(&argv, "--");
	place_by_name(inv, &argv);
	cmd.argv = (const char *const *)strv_argv(&argv);
	if (argv.n > 4 && host_run(h, &cmd, &result, NULL) == 0) {
		next = buf_data(&result.out);
		while ((line = strsep(&next, "\n"))) {
			char *path = strchr(line, ' ');

			if (!path)
				continue;
			*path = '\0';
			take_place(inv, line, path + 1);
		}
	}
	host_result_free(&result);
}

/* --- all guests of a host ------------------------------------------------ */

struct looking {
	struct inventory *inv;
	struct host *h;
	struct mono deadline;
};

static void look_at(void *arg, size_t i)
{
	struct looking *l = arg;

	look(&l->inv->v[i], l->h, soon(l->deadline));
}

static void take_guest(struct guest_view *g, struct guest *from,
		       const struct host *h)
{
	*g = (struct guest_view){
		.guest = *from,
		.host = xstrdup(host_name(h)),
		.look = LOOK_NONE,
		.ram_bytes = from->ram_bytes,
		.vcpus = from->vcpus,
		.kvm = from->has_kvm_arg ? 1 : -1,
	};
	*from = (struct guest){ 0 };
	if (g->guest.uuid)
		strncpy(g->uuid, g->guest.uuid, sizeof(g->uuid) - 1);
}

int inventory_read(struct host *h, struct inventory *out, struct mono deadline,
		   struct err *err)
{
	struct guests found = { 0 };
	struct looking l = { .inv = out, .h = h, .deadline = deadline };

	if (discover_guests(h, &found, deadline, err) < 0)
		return -1;
	out->v = xcalloc(found.n + 1, sizeof(*out->v));
	out->n = found.n;
	out->left_out = found.left_out;
	for (size_t i = 0; i < found.n; i++)
		take_guest(&out->v[i], &found.v[i], h);
	guests_free(&found);
	if (task_pool_run(out->n, LOOKS_AT_ONCE, look_at, &l, err) < 0)
		return -1;
	place_disks(out, h, deadline);
	return 0;
}

static void view_free(struct guest_view *g)
{
	guest_free(&g->guest);
	free(g->host);
	free(g->holder);
	err_reset(&g->why);
	qmp_disks_free(&g->disks);
	free(g->places);
}

void inventory_free(struct inventory *inv)
{
	for (size_t i = 0; i < inv->n; i++)
		view_free(&inv->v[i]);
	free(inv->v);
	*inv = (struct inventory){ 0 };
}

/* --- JSON ---------------------------------------------------------------- */

static struct json_object *disk_to_json(const struct qmp_disk *d,
					enum disk_place place)
{
	AUTO_FREE char *file = argv_secret_blank_name(d->file);
	struct json_object *o = json_new();

	json_fields_text(o, "device", d->device);
	json_fields_text(o, "file", file);
	json_fields_text(o, "driver", d->driver);
	json_add_bool(o, "read_only", d->read_only);
	json_add_u64(o, "virtual_bytes", d->virtual_bytes);
	json_add_str(o, "storage", inventory_place_name(place));
	return o;
}

static struct json_object *disks_to_json(const struct guest_view *g)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < g->disks.n; i++)
		json_object_array_add(a, disk_to_json(&g->disks.v[i],
						      g->places[i]));
	return a;
}

static struct json_object *monitor_to_json(const struct guest_view *g)
{
	const struct monitor *m = guest_qmp(&g->guest);
	struct json_object *o = json_new();

	json_add_str(o, "state", inventory_look_name(g->look));
	json_fields_text(o, "path", m ? m->path : NULL);
	json_fields_text(o, "holder", g->holder);
	json_add_sub(o, "error", result_error_to_json(&g->why));
	return o;
}

static void known(struct json_object *o, const char *key, uint64_t value)
{
	json_fields_count(o, key, value ? (int64_t)value : -1);
}

struct json_object *inventory_guest_to_json(const struct guest_view *g)
{
	struct json_object *o = json_new();

	json_fields_text(o, "name", g->guest.name);
	json_fields_text(o, "uuid", *g->uuid ? g->uuid : NULL);
	json_fields_text(o, "host", g->host);
	json_fields_text(o, "user", g->guest.user);
	json_add_i64(o, "pid", g->guest.pid);
	json_fields_text(o, "state", *g->state ? g->state : NULL);
	known(o, "ram_bytes", g->ram_bytes);
	known(o, "vcpus", g->vcpus);
	json_add_str(o, "accel", g->kvm < 0 ? NULL : g->kvm ? "kvm" : "tcg");
	json_add_sub(o, "disks", g->disks_known ? disks_to_json(g) : NULL);
	json_add_sub(o, "monitor", monitor_to_json(g));
	json_fields_text(o, "started_by", g->guest.started_by);
	json_fields_text(o, "manager", g->guest.manager);
	json_add_bool(o, "defined", false);
	return o;
}
