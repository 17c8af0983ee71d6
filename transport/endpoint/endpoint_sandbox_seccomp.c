/* SPDX-License-Identifier: MIT */
/*
 * endpoint_sandbox_seccomp: the system calls that an endpoint may make. Any
 * other one kills it.
 *
 * Arguments are looked at where a call could do more than move bytes: memory
 * never becomes executable, a socket option cannot redirect anything, and what
 * is sent goes to the peer that the socket has.
 */
#include "transport/endpoint/endpoint_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "transport/base/xalloc.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifndef ARCH

int endpoint_sandbox_seccomp(struct err *err)
{
	(void)err;
	return 0;
}

#else

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* The low half of an argument, on machines that have it first. */
#define LOAD_ARG(n) LOAD(args[n])
#define LOAD_ARG_HIGH(n)                   \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
		 offsetof(struct seccomp_data, args[n]) + 4)
#define SKIP_IF(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (n), 0)
#define SKIP_UNLESS(value, n) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))
#define SKIP_IF_ANY(bits, n) \
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (n), 0)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define PERMIT RETURN(SECCOMP_RET_ALLOW)
#define KILL RETURN(SECCOMP_RET_KILL_PROCESS)

#define PERMIT_CALL(name) SKIP_UNLESS(__NR_##name, 1), PERMIT
/* An argument of the flags' kind must have none of @bits. */
#define PERMIT_WITHOUT(name, n, bits)                                   \
	SKIP_UNLESS(__NR_##name, 4), LOAD_ARG(n), SKIP_IF_ANY(bits, 1), \
		PERMIT, KILL

static const struct sock_filter program[] = {
	LOAD(arch),
	SKIP_IF(ARCH, 1),
	KILL,
	LOAD(nr),

	/* bytes */
	PERMIT_CALL(read),
	PERMIT_CALL(write),
	PERMIT_CALL(readv),
	PERMIT_CALL(writev),
	PERMIT_CALL(recvfrom),
	PERMIT_CALL(recvmsg),
	PERMIT_CALL(sendmsg),
#ifdef __NR_poll
	PERMIT_CALL(poll),
#endif
	PERMIT_CALL(ppoll),
	PERMIT_CALL(close),
	PERMIT_CALL(shutdown),

	/* memory */
	PERMIT_CALL(brk),
	PERMIT_CALL(munmap),
	PERMIT_CALL(mremap),
	PERMIT_CALL(madvise),
	PERMIT_WITHOUT(mmap, 2, PROT_EXEC),
	PERMIT_WITHOUT(mprotect, 2, PROT_EXEC),

	/* the C library, OpenSSL */
	PERMIT_CALL(getrandom),
	PERMIT_CALL(getpid),
	PERMIT_CALL(futex),
	PERMIT_CALL(clock_gettime),
	PERMIT_CALL(gettimeofday),
#ifdef __NR_time
	PERMIT_CALL(time),
#endif
	PERMIT_CALL(rt_sigreturn),
	PERMIT_CALL(restart_syscall),
	PERMIT_CALL(exit_group),
#ifdef __SANITIZE_ADDRESS__
	/* before each function that does not return */
	PERMIT_CALL(sigaltstack),
#endif

	/* sendto(2) without an address */
	SKIP_UNLESS(__NR_sendto, 6),
	LOAD_ARG(4),
	SKIP_UNLESS(0, 3),
	LOAD_ARG_HIGH(4),
	SKIP_UNLESS(0, 1),
	PERMIT,
	KILL,

	/* fcntl(2): O_NONBLOCK */
	SKIP_UNLESS(__NR_fcntl, 5),
	LOAD_ARG(1),
	SKIP_IF(F_GETFL, 1),
	SKIP_UNLESS(F_SETFL, 1),
	PERMIT,
	KILL,

	/* setsockopt(2): TCP_QUICKACK */
	SKIP_UNLESS(__NR_setsockopt, 5),
	LOAD_ARG(1),
	SKIP_UNLESS(IPPROTO_TCP, 3),
	LOAD_ARG(2),
	SKIP_UNLESS(TCP_QUICKACK, 1),
	PERMIT,
	KILL,
};

int endpoint_sandbox_seccomp(struct err *err)
{
	const struct sock_fprog p = {
		.len = ARRAY_SIZE(program),
		.filter = (struct sock_filter *)program,
	};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0)
		return 1;
	if (errno == EINVAL || errno == ENOSYS)
		return 0;
	return err_sys(err, errno, "cannot limit system calls");
}

#endif
