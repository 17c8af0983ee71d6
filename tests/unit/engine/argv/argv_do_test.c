/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(the_machine_type_is_pinned_and_the_rest_kept)
{
	expect_other("-machine pc,accel=kvm,usb=off",
		     "-machine " CASE_MACHINE ",accel=kvm,usb=off");
	expect_other("-M type=q35,smm=on", "-M type=" CASE_MACHINE ",smm=on");
	expect_other("--machine accel=tcg", "--machine accel=tcg");
}

TEST(files_of_the_machine_are_remapped)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_remap("-machine dtb=/srv/a.dtb", "/srv",
					      "/mnt", &plan);

	assert_string_equal(got, "-machine dtb=/mnt/a.dtb");
	assert_int_equal(argv_case_file(&plan, "/mnt/a.dtb")->kind, ARGV_BOOT);
	argv_plan_free(&plan);
}

TEST(most_options_are_kept)
{
	expect_kept("-cpu host,+avx -smp 2 -m 1G -accel tcg -enable-kvm "
		    "-name n,process=p -uuid 1 -rtc base=utc -boot order=c "
		    "-vga std -usb -k de -no-reboot -nodefaults -seed 1 "
		    "-sandbox on -numa node -global x.y=z -overcommit "
		    "mem-lock=on -msg timestamp=on -no-user-config "
		    "-only-migratable -mem-prealloc -watchdog-action pause");
}

TEST(what_belonged_to_its_birth_is_dropped)
{
	expect_other("-S -incoming tcp:0:1 -loadvm s -daemonize --S", "");
}

TEST(what_cannot_move_is_refused)
{
	expect_refused("-snapshot", "temporary");
	expect_refused("-add-fd fd=3,set=1", "descriptor");
	expect_refused("-chroot /x", "chroot");
	expect_refused("-run-with chroot=/x", "chroot");
	expect_refused("-preconfig", "QMP");
	expect_refused("-virtfs local,path=/x,mount_tag=t", "9p");
	expect_refused("-fsdev local,id=f,path=/x", "9p");
	expect_refused("-xen-domid 1", "Xen");
	expect_refused("-M q35,confidential-guest-support=s", "confidential");
}

TEST(it_is_started_as_its_user_to_begin_with)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-runas qemu -run-with user=qemu,"
			      "async-teardown=on -run-with user=qemu",
			      &plan);
	assert_string_equal(got, "-run-with async-teardown=on");
	assert_int_equal(plan.n_notes, 3);
	assert_int_equal(plan.notes[0].kind, ARGV_CHANGED);
	argv_plan_free(&plan);
}

TEST(it_outlives_what_starts_it)
{
	expect_other("-run-with exit-with-parent=on", "");
}

TEST(the_pid_file_is_moved)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other("-pidfile run/a.pid", &plan);

	assert_string_equal(got, "-pidfile " CASE_RUN_DIR "/pid");
	assert_string_equal(plan.moves.v[0].now, CASE_RUN_DIR "/pid");
	assert_string_equal(plan.moves.v[0].public, CASE_CWD "/run/a.pid");
	argv_plan_free(&plan);
}

TEST(a_log_without_a_name_stays)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other("-D ''", &plan);

	assert_string_equal(got, "-D ");
	assert_int_equal(plan.moves.n, 0);
	argv_plan_free(&plan);
}

TEST(logs_go_through_a_pipe_traces_only_to_another_host)
{
	expect_other("-d int -D /var/log/q.log",
		     "-d int -D " CASE_RUN_DIR "/log");
	expect_same("-d int -D /var/log/q.log",
		    "-d int -D " CASE_RUN_DIR "/log");
	/* one that is each process's own */
	expect_kept("-d int -D /var/log/q-%d.log");
	expect_kept("-trace events=/e,file=/f");
	expect_same("-trace events=/e,file=/f", "-trace events=/e");
	expect_same("-trace file=/f", "");
}

TEST(nographic_gets_the_serial_port_it_implies)
{
	expect_other("-nographic", "-nographic -serial null");
	expect_other("-nographic -serial null", "-nographic -serial null");
	expect_other("-nographic -nodefaults", "-nographic -nodefaults");
	expect_other("-nographic -device isa-serial,chardev=c",
		     "-nographic -device isa-serial,chardev=c");
}

TEST(a_qemu_called_kvm_still_prefers_it)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	struct argv_input in = { .argv = &argv,
				 .machine = "pc",
				 .run_dir = "/r",
				 .binary = "/usr/bin/qemu-system-x86_64" };
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *text2 = NULL;
	struct argv_plan plan;

	argv_case_split("kvm -display none", &argv);
	argv_rebuild(&in, &plan, &err);
	text = strv_join(&plan.argv, " ");
	assert_non_null(strstr(text, "-accel kvm -accel tcg"));
	argv_plan_free(&plan);
	argv_case_split("-accel tcg", &argv);
	argv_rebuild(&in, &plan, &err);
	text2 = strv_join(&plan.argv, " ");
	assert_null(strstr(text2, "kvm -"));
	argv_plan_free(&plan);
}

TEST(a_config_file_is_kept_with_a_warning)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other("-readconfig /etc/q.cfg", &plan);

	assert_string_equal(got, "-readconfig /etc/q.cfg");
	assert_non_null(argv_case_file(&plan, "/etc/q.cfg"));
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "as it is"));
	argv_plan_free(&plan);
}
