/* SPDX-License-Identifier: MIT */
/* qmp_cpu: the CPU that a guest really has. */
#include "qmp/qmp_cpu.h"

#include <stdlib.h>
#include <string.h>

#include "qmp/qmp_machine.h"
#include "transport/base/xalloc.h"

void qmp_cpu_free(struct qmp_cpu *c)
{
	free(c->model);
	free(c->vendor);
	free(c->words);
	*c = (struct qmp_cpu){ .n = 0 };
}

char *qmp_cpu_model(const char *type)
{
	static const char suffix[] = "-x86_64-cpu";
	size_t len = strlen(type), tail = strlen(suffix);

	if (len > tail && !strcmp(type + len - tail, suffix))
		len -= tail;
	return xstrndup(type, len);
}

static int read_word(struct json_at at, struct qmp_cpu_word *w, struct err *err)
{
	uint64_t leaf, subleaf = 0, bits;
	const char *reg;

	if (json_get_u64(at, "cpuid-input-eax", &leaf, err) < 0 ||
	    json_opt_u64(at, "cpuid-input-ecx", &subleaf, err) < 0 ||
	    json_get_str(at, "cpuid-register", &reg, err) < 0 ||
	    json_get_u64(at, "features", &bits, err) < 0)
		return -1;
	if (leaf > UINT32_MAX || subleaf > UINT32_MAX || bits > UINT32_MAX ||
	    strlen(reg) != sizeof(w->reg) - 1)
		return err_set(err, ERR_PROTOCOL, "%s: no register of CPUID",
			       at.path);
	*w = (struct qmp_cpu_word){ .leaf = (uint32_t)leaf,
				    .subleaf = (uint32_t)subleaf,
				    .bits = (uint32_t)bits };
	memcpy(w->reg, reg, sizeof(w->reg));
	return 0;
}

int qmp_cpu_read_words(struct json_at list, struct qmp_cpu *out,
		       struct err *err)
{
	size_t n = json_length(list);
	struct json_at entry;

	free(out->words);
	out->words = xcalloc(n, sizeof(*out->words));
	for (out->n = 0; out->n < n; out->n++) {
		if (json_index(list, out->n, &entry, err) < 0 ||
		    read_word(entry, &out->words[out->n], err) < 0) {
			out->n = 0;
			return -1;
		}
	}
	return 0;
}

/* The first vCPU, to be freed; *path is NULL if there is none. */
static int find_first(struct qmp *q, char **path, struct mono deadline,
		      struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	struct json_at at = { NULL, "query-cpus-fast" }, first;
	const char *word;

	*path = NULL;
	if (qmp_call(q, at.path, NULL, &reply, deadline, err) < 0)
		return -1;
	at.value = reply;
	if (!json_length(at))
		return 0;
	if (json_index(at, 0, &first, err) < 0 ||
	    json_get_str(first, "qom-path", &word, err) < 0)
		return -1;
	*path = xstrdup(word);
	return 0;
}

/* A property, to be freed; NULL: it is not to be had. */
static char *get_text(struct qmp *q, const char *path, const char *property,
		      struct mono deadline, struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;

	if (qmp_qom_get(q, path, property, &reply, deadline, err) < 0)
		return NULL;
	if (json_object_is_type(reply, json_type_string))
		return xstrdup(json_object_get_string(reply));
	err_set(err, ERR_PROTOCOL, "%s of %s: expected a string", property,
		path);
	return NULL;
}

int qmp_cpu_query(struct qmp *q, struct qmp_cpu *out, struct mono deadline,
		  struct err *err)
{
	AUTO_JSON struct json_object *reply = NULL;
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *type = NULL;

	*out = (struct qmp_cpu){ .n = 0 };
	if (find_first(q, &path, deadline, err) < 0)
		return -1;
	if (!path)
		return 0;
	if (qmp_qom_get(q, path, "feature-words", &reply, deadline, &e) < 0) {
		/* other architectures have no such property */
		if (err_has(&e, ERR_QMP))
			return 0;
		err_move(err, &e);
		return -1;
	}
	type = get_text(q, path, "type", deadline, err);
	if (type)
		out->vendor = get_text(q, path, "vendor", deadline, err);
	if (!type || !out->vendor ||
	    qmp_cpu_read_words((struct json_at){ reply, "feature-words" }, out,
			       err) < 0) {
		qmp_cpu_free(out);
		return -1;
	}
	out->model = qmp_cpu_model(type);
	return 0;
}
