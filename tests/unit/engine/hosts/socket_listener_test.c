/* SPDX-License-Identifier: MIT */
/* socket_listener: who listens at a file; one claim a test. */
#include "engine/hosts/socket_listener.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static char dir[40];
static struct sockaddr_un address;
static int listener;

static int listen_there(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/listener-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	listener = listen_there();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(listener);
	unlink(address.sun_path);
	return rmdir(dir);
}

TEST_FIXTURE(setup, teardown);

static bool is(pid_t pid)
{
	AUTO_FD int fd = open(address.sun_path, O_PATH | O_CLOEXEC);

	assert_true(fd >= 0);
	return socket_listener_is(fd, pid);
}

TEST(the_process_that_listens_is_known)
{
	assert_true(is(getpid()));
}

TEST(another_process_is_not_it)
{
	int ready[2];
	char byte;
	pid_t other;

	assert_int_equal(pipe(ready), 0);
	other = fork();
	if (other == 0) {
		close(listener);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	assert_false(is(other));
	kill(other, SIGKILL);
	(void)waitpid(other, NULL, 0);
}

TEST(another_socket_of_the_process_is_not_it)
{
	int old = listener;

	assert_int_equal(unlink(address.sun_path), 0);
	listener = listen_there();
	close(listener);
	/* `old` listens at a file that is gone, and nobody at this one */
	assert_false(is(getpid()));
	close(old);
}

TEST(what_is_no_socket_has_no_listener)
{
	AUTO_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_false(socket_listener_is(fd, getpid()));
	assert_false(is(0));
}
