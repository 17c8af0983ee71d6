/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_files.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_remapped(const char *words, const char *expected)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_remap(words, "/s", "/t", &plan);

	assert_string_equal(got, expected);
	argv_plan_free(&plan);
}

TEST(paths_are_remapped)
{
	expect_remapped("-kernel /s/k -dtb /s/d -bios /s/b -L /s/l",
			"-kernel /t/k -dtb /t/d -bios /t/b -L /t/l");
	expect_remapped("-fw_cfg name=opt/x,file=/s/a",
			"-fw_cfg name=opt/x,file=/t/a");
	expect_remapped("-smbios file=/s/a -boot menu=on,splash=/s/b",
			"-smbios file=/t/a -boot menu=on,splash=/t/b");
	expect_remapped("-acpitable sig=X,file=/s/a:/u/b:/s/c",
			"-acpitable sig=X,file=/t/a:/u/b:/t/c");
	expect_remapped("-plugin /s/p.so,arg=1", "-plugin /t/p.so,arg=1");
	expect_remapped("-option-rom /s/a,bootindex=1",
			"-option-rom /t/a,bootindex=1");
	expect_remapped("-mem-path /s/m", "-mem-path /t/m");
	expect_remapped("-append root=/s/x", "-append root=/s/x");
}

TEST(modules_of_a_multiboot_kernel_are_remapped)
{
	expect_remapped("-initrd '/s/a x=/s/y,/s/b,/u/c'",
			"-initrd /t/a x=/s/y,/t/b,/u/c");
	expect_remapped("-initrd /s/a", "-initrd /t/a");
}

TEST(kinds_are_distinguished)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-kernel /k -initrd /i -bios /b "
			      "-fw_cfg name=n,file=/f",
			      &plan);
	assert_int_equal(argv_case_file(&plan, "/k")->kind, ARGV_BOOT);
	assert_int_equal(argv_case_file(&plan, "/i")->kind, ARGV_BOOT);
	assert_int_equal(argv_case_file(&plan, "/b")->kind, ARGV_FIRMWARE);
	assert_int_equal(argv_case_file(&plan, "/f")->kind, ARGV_OTHER);
	argv_plan_free(&plan);
}

TEST(a_bare_name_of_firmware_may_be_anywhere)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other("-bios bios-256k.bin", &plan);

	assert_string_equal(got, "-bios bios-256k.bin");
	assert_int_equal(plan.n_files, 0);
	assert_string_equal(plan.cwd, CASE_CWD);
	argv_plan_free(&plan);
}

TEST(a_change_from_outside_is_refused_where_it_matters)
{
	expect_refused("-set drive.d.file=/x", "file=");
	expect_refused("-set chardev.c.path=/x", "path=");
	expect_kept("-set device.d.bootindex=1");
}

TEST(a_hardware_tpm_is_refused)
{
	expect_refused("-tpmdev passthrough,id=t", "TPM");
	expect_kept("-tpmdev emulator,id=t,chardev=c");
}

TEST(a_recorded_run_is_refused)
{
	expect_refused("-icount shift=1,rr=record,rrfile=/x", "recorded");
	expect_kept("-icount shift=auto");
}

TEST(sound_of_the_host_is_warned_of)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-audiodev none,id=a "
			      "-audio driver=none,model=hda",
			      &plan);
	assert_int_equal(plan.n_notes, 0);
	argv_plan_free(&plan);
	free(STEAL(got));
	got = argv_case_other("-audiodev pa,id=a", &plan);
	assert_string_equal(got, "-audiodev pa,id=a");
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "sound"));
	argv_plan_free(&plan);
}
