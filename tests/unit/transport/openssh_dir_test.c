/* SPDX-License-Identifier: MIT */
/* openssh_dir: a private directory that is swept when its owner is gone. */
#include "transport/openssh_dir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static char base[] = "/tmp/vmferry-dir-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(base))
		return -1;
	return setenv("XDG_RUNTIME_DIR", base, 1);
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(base);
}

TEST_GROUP_FIXTURE(set_up, tear_down);

static char *make(int *lock_fd)
{
	char *dir = openssh_dir_make(lock_fd, NULL);

	assert_non_null(dir);
	assert_memory_equal(dir, base, strlen(base));
	return dir;
}

static void put_socket(const char *dir, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

TEST(nobody_else_may_look_into_it)
{
	AUTO_FD int lock_fd = -1;
	AUTO_FREE char *dir = make(&lock_fd);
	struct stat st;

	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	openssh_dir_remove(lock_fd, dir);
}

TEST(it_goes_with_its_sockets)
{
	AUTO_FD int lock_fd = -1;
	AUTO_FREE char *dir = make(&lock_fd);

	put_socket(dir, "ctl");
	put_socket(dir, "f1");
	openssh_dir_remove(lock_fd, dir);
	assert_int_equal(access(dir, F_OK), -1);
}

TEST(one_that_is_in_use_stays)
{
	AUTO_FD int first_fd = -1, second_fd = -1;
	AUTO_FREE char *first = make(&first_fd), *second = NULL;

	put_socket(first, "ctl");
	second = make(&second_fd);
	assert_int_equal(access(first, F_OK), 0);
	openssh_dir_remove(first_fd, first);
	openssh_dir_remove(second_fd, second);
}

TEST(one_whose_owner_is_gone_is_swept)
{
	int first_fd = -1;
	AUTO_FD int second_fd = -1;
	AUTO_FREE char *first = make(&first_fd), *second = NULL;

	put_socket(first, "ctl");
	close(first_fd);
	second = make(&second_fd);
	assert_int_equal(access(first, F_OK), -1);
	openssh_dir_remove(second_fd, second);
}

TEST(what_is_not_ours_is_not_swept)
{
	AUTO_FREE char *other = xasprintf("%s/vmferry-backup", base);
	AUTO_FREE char *odd = xasprintf("%s/vmferry-ssh-000000", base);
	AUTO_FREE char *file = xasprintf("%s/precious", odd);
	AUTO_FD int lock_fd = -1;
	AUTO_FREE char *dir = NULL;

	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(mkdir(odd, 0700), 0);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	dir = make(&lock_fd);
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(access(file, F_OK), 0);
	openssh_dir_remove(lock_fd, dir);
	assert_int_equal(rmdir(other), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(odd), 0);
}

TEST(a_base_that_ssh_would_misread_is_passed_over)
{
	AUTO_FREE char *odd = xasprintf("%s/100%%", base);
	AUTO_FD int lock_fd = -1;
	AUTO_FREE char *dir = NULL;

	assert_int_equal(mkdir(odd, 0700), 0);
	setenv("XDG_RUNTIME_DIR", odd, 1);
	dir = openssh_dir_make(&lock_fd, NULL);
	setenv("XDG_RUNTIME_DIR", base, 1);
	assert_non_null(dir);
	assert_null(strchr(dir, '%'));
	openssh_dir_remove(lock_fd, dir);
	assert_int_equal(rmdir(odd), 0);
}

/* As root after su(1), say: its user could put another in its place. */
TEST(a_directory_of_another_user_is_not_used)
{
	AUTO_FD int lock_fd = -1;
	AUTO_FREE char *dir = NULL;

	if (geteuid()) {
		skip();
		return;
	}
	assert_int_equal(chown(base, 65534, 65534), 0);
	dir = openssh_dir_make(&lock_fd, NULL);
	assert_int_equal(chown(base, 0, 0), 0);
	assert_non_null(dir);
	assert_null(strstr(dir, base));
	openssh_dir_remove(lock_fd, dir);
}

TEST(neither_is_one_that_others_may_write_to)
{
	AUTO_FD int lock_fd = -1;
	AUTO_FREE char *dir = NULL;

	assert_int_equal(chmod(base, 0777), 0);
	dir = openssh_dir_make(&lock_fd, NULL);
	assert_int_equal(chmod(base, 0700), 0);
	assert_non_null(dir);
	assert_null(strstr(dir, base));
	openssh_dir_remove(lock_fd, dir);
}
