/* SPDX-License-Identifier: MIT */
/*
 * A journal as a crash, a bad disk or a stranger left it, and what recovery
 * makes of it.
 *
 * Input: a byte, then the file. When the byte's lowest bit is set the rest is
 * the texts of records, a line each, and gets its first line, lengths and
 * checksums here: nobody guesses a checksum. An empty line ends the records;
 * what follows is behind them unchanged.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/run/migrate_options.h"
#include "engine/run/restore.h"
#include "engine/state/journal.h"
#include "engine/state/journal_line.h"
#include "engine/state/journal_read.h"
#include "engine/run/run_journal.h"
#include "engine/event/result.h"
#include "engine/state/verdict.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"

static void put_records(struct buf *file, struct fuzz_input *in)
{
	buf_printf(file, JOURNAL_FIRST_LINE);
	while (in->len) {
		const char *text = (const char *)in->data;
		const char *end = memchr(text, '\n', in->len);
		size_t len = end ? (size_t)(end - text) : in->len;

		if (len)
			journal_line_put(file, text, len);
		in->data += len + (end != NULL);
		in->len -= len + (end != NULL);
		if (!len)
			break;
	}
}

static void make_file(struct buf *file, struct fuzz_input in)
{
	if (fuzz_take(&in) & 1)
		put_records(file, &in);
	buf_append(file, in.data, in.len);
}

/* --- what recovery makes of it ------------------------------------------- */

static void decide(enum journal_record record)
{
	for (int s = 0; s < SIDE_STATES * SIDE_STATES * 2; s++) {
		struct verdict_input in = {
			.journal = record,
			.source = (enum side_state)(s / 2 % SIDE_STATES),
			.destination = (enum side_state)(s / 2 / SIDE_STATES),
			.source_unwatched = s % 2,
		};
		struct verdict_output out = verdict_decide(&in);

		fuzz_claim(out.why && verdict_name(out.verdict),
			   "every pair of sides has a verdict");
	}
}

static void restore(const struct journal_view *view)
{
	const struct migrate_options opt = { .guest = "g", .destination = "d" };
	AUTO_ERR struct err err = { 0 };
	struct result result;
	struct run run;

	result_init(&result);
	run_open(&run, &opt, &result);
	if (restore_run(&run, view, &err) == 0) {
		fuzz_claim(run.source.guest.pid > 0 && run.source.guest.name &&
				   run.id.key && run.source.guest.user &&
				   run.source.guest.group,
			   "a run brought back knows its guest");
		decide(journal_state(view));
	} else {
		fuzz_claim(err.kind == ERR_PROTOCOL, "a refusal says why");
	}
	run_close(&run);
	result_free(&result);
}

static void check_view(const struct journal_view *view, size_t size)
{
	fuzz_claim(view->whole_bytes <= size, "records lie in the file");
	for (size_t i = 0; i < view->n; i++)
		fuzz_claim(view->v[i].seq == i + 1 &&
				   view->v[i].record < JOURNAL_RECORDS,
			   "records are numbered");
	restore(view);
}

/* --- going on with it ---------------------------------------------------- */

static void write_file(int fd, struct buf *file)
{
	fuzz_claim(ftruncate(fd, 0) == 0 &&
			   pwrite(fd, buf_data(file), buf_len(file), 0) ==
				   (ssize_t)buf_len(file),
		   "the file can be written");
}

/* What can be reopened takes a record, and keeps those that it had. */
static void go_on(struct buf *file, const struct journal_view *before)
{
	const char *dir = getenv("TMPDIR");
	AUTO_FREE char *path = xasprintf("%s/vmferry-fuzz-journal.%d",
					 dir ? dir : "/tmp", (int)getpid());
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct journal_view after;
	struct journal *j;

	write_file(fd, file);
	j = journal_reopen(path, NULL);
	if (j && journal_append(j, JOURNAL_ABORTING, NULL, NULL) == 0) {
		fuzz_claim(journal_read(path, &after, NULL) == 0 &&
				   after.n == before->n + 1 && !after.torn &&
				   journal_state(&after) == JOURNAL_ABORTING,
			   "a journal that goes on is whole again");
		journal_view_free(&after);
	}
	journal_close(j);
	(void)unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD int fd = memfd_create("journal", MFD_CLOEXEC);
	AUTO_BUF struct buf file = { 0 };
	AUTO_ERR struct err err = { 0 };
	struct journal_view view;
	size_t file_size;

	make_file(&file, (struct fuzz_input){ data, size });
	write_file(fd, &file);
	if (journal_read_fd(fd, "journal", &view, &file_size, &err) < 0) {
		fuzz_claim(err.kind == ERR_PROTOCOL, "a refusal says why");
		return 0;
	}
	check_view(&view, file_size);
	go_on(&file, &view);
	journal_view_free(&view);
	return 0;
}
