/* SPDX-License-Identifier: MIT */
/* qmp_ramblocks: which of a guest's RAM is in huge pages. */
#include "qmp/qmp_ramblocks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "qmp/qmp_machine.h"
#include "transport/base/xalloc.h"

/* 0: no unit of pages. */
static uint64_t unit_bytes(const char *word)
{
	static const struct {
		const char *word;
		uint64_t bytes;
	} units[] = {
		{ "KiB", 1 << 10 },
		{ "MiB", 1 << 20 },
		{ "GiB", 1 << 30 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(word, units[i].word))
			return units[i].bytes;
	}
	return 0;
}

static void add(struct qmp_ramblocks *out, uint64_t page, uint64_t bytes)
{
	size_t i = 0;

	while (i < out->n && out->v[i].page_bytes != page)
		i++;
	if (i == QMP_RAMBLOCKS_SIZES)
		return;
	if (i == out->n)
		out->v[out->n++] =
			(struct qmp_ramblocks_pages){ .page_bytes = page };
	out->v[i].bytes += (bytes + page - 1) / page * page;
}

/* "pc.ram  2 MiB  0x0000000000000000 0x0000000040000000 0x00…": used, total. */
static void parse_line(const char *line, struct qmp_ramblocks *out)
{
	/* The pages of hosts are no larger than that. */
	enum { HUGE_FROM = 128 << 10, SIZE_MAX_GIB = 1024 };
	uint64_t size, used;
	char unit[4];

	if (sscanf(line, "%*s %5" SCNu64 " %3s %*x %18" SCNx64, &size, unit,
		   &used) != 3)
		return;
	if (!size || size > SIZE_MAX_GIB || used > UINT64_MAX / 2)
		return;
	size *= unit_bytes(unit);
	if (size >= HUGE_FROM)
		add(out, size, used);
}

void qmp_ramblocks_parse(const char *text, struct qmp_ramblocks *out)
{
	*out = (struct qmp_ramblocks){ .n = 0 };
	while (*text) {
		size_t len = strcspn(text, "\n");
		AUTO_FREE char *line = xstrndup(text, len);

		parse_line(line, out);
		text += len + (text[len] == '\n');
	}
}

int qmp_ramblocks_huge(struct qmp *q, struct qmp_ramblocks *out,
		       struct mono deadline, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	*out = (struct qmp_ramblocks){ .n = 0 };
	text = qmp_human(q, "info ramblock", deadline, &e);
	if (text) {
		qmp_ramblocks_parse(text, out);
		return 0;
	}
	/* no such command in this QEMU */
	if (err_has(&e, ERR_QMP))
		return 0;
	err_move(err, &e);
	return -1;
}
