/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_plan.c. */
#include "engine/argv/argv.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* What is lost here is reported by LeakSanitizer. */
TEST(a_plan_is_freed_whole_and_may_be_freed_again)
{
	struct argv_plan p = {
		.monitor0 = xstrdup("/r/qmp0.sock"),
		.monitor1 = xstrdup("/r/qmp1.sock"),
		.cwd = xstrdup("/srv"),
		.files = XNEW(struct argv_file),
		.n_files = 1,
		.nets = XNEW(struct argv_net),
		.n_nets = 1,
		.notes = XNEW(struct argv_note),
		.n_notes = 1,
	};

	strv_push(&p.argv, "qemu");
	argv_moves_add(&p.moves, "/r/s0.sock", "/run/a");
	p.files[0].path = xstrdup("/srv/a.img");
	p.nets[0] = (struct argv_net){
		.option = xstrdup("-nic tap"),
		.bridge = xstrdup("br0"),
		.ifname = xstrdup("tap0"),
		.script = xstrdup("/etc/up"),
	};
	p.notes[0] = (struct argv_note){
		.option = xstrdup("-x"),
		.text = xstrdup("text"),
	};
	argv_plan_free(&p);
	assert_int_equal(p.argv.n + p.moves.n + p.n_files + p.n_nets, 0);
	assert_int_equal(p.n_notes, 0);
	assert_null(p.cwd);
	argv_plan_free(&p);
}
