/* SPDX-License-Identifier: MIT */
/*
 * check_storage: whether two hosts have the same file, directory or block
 * device at a path, by the proof that the preflight uses (disk_proof.h), with
 * the rights of the logins.
 */
#ifndef ENGINE_RUN_CHECK_STORAGE_H
#define ENGINE_RUN_CHECK_STORAGE_H

#include <json.h>

#include "engine/event/exit_code.h"
#include "engine/hosts/disk_proof.h"
#include "transport/host_options.h"

/* Everything is borrowed. */
struct check_storage_options {
	const char *path; /* absolute */
	const char *hosts[2];
	struct host_options ssh;
};
struct check_storage {
	struct disk_facts facts[2];
	struct disk_mounts mounts; /* on the second host */
	enum disk_proof proof;
	const char *why; /* a literal */
	char *remedy;	 /* NULL: none is needed, or known */
};

/*
 * Fills @out (zeroed before). In a task; -1 when there is no answer: ERR_USAGE
 * for a relative path, and what reaching the hosts ends with.
 */
int check_storage_ask(const struct check_storage_options *opt,
		      struct check_storage *out, struct err *err);
void check_storage_free(struct check_storage *c);

/* "same", "another", "likely", "unknown" */
const char *check_storage_word(enum disk_proof proof);
/* 0 for the same, 3 for the rest. */
int check_storage_exit_code(const struct check_storage *c);
/* The object of --json; owned. */
struct json_object *
check_storage_to_json(const struct check_storage *c,
		      const struct check_storage_options *o);
/* One line for people, without a line feed; to be freed. */
char *check_storage_line(const struct check_storage *c,
			 const struct check_storage_options *o);

#endif
