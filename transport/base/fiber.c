/* SPDX-License-Identifier: MIT */
/* fiber: announces a change of stack to sanitizers and valgrind. */
#include "transport/base/fiber.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef VMFERRY_VALGRIND
#include <valgrind/valgrind.h>
#endif

/*
 * TSan keeps a stack of calls for each fiber: a function that changes fibers
 * must not be on it, for it would be pushed on one and popped off the other.
 */
#ifdef __clang__
#define OFF_THE_RECORD __attribute__((disable_sanitizer_instrumentation))
#else
#define OFF_THE_RECORD __attribute__((no_sanitize("thread")))
#endif

void fiber_main(struct fiber *f)
{
	(void)f;
#ifdef WITH_ASAN
	pthread_attr_t attr;
	void *bottom;

	if (!pthread_getattr_np(pthread_self(), &attr)) {
		pthread_attr_getstack(&attr, &bottom, &f->size);
		pthread_attr_destroy(&attr);
		f->bottom = bottom;
	}
#endif
#ifdef WITH_TSAN
	f->tsan = __tsan_get_current_fiber();
#endif
}

void fiber_stack_register(struct fiber *f, void *bottom, size_t size)
{
	f->bottom = bottom;
	f->size = size;
#ifdef WITH_TSAN
	f->tsan = __tsan_create_fiber(0);
#endif
#ifdef VMFERRY_VALGRIND
	f->valgrind_id = VALGRIND_STACK_REGISTER(bottom, (char *)bottom + size);
#endif
}

void fiber_stack_unregister(struct fiber *f)
{
	(void)f;
#ifdef WITH_TSAN
	__tsan_destroy_fiber(f->tsan);
#endif
#ifdef VMFERRY_VALGRIND
	VALGRIND_STACK_DEREGISTER(f->valgrind_id);
#endif
}

OFF_THE_RECORD
void fiber_leave(struct fiber *from, struct fiber *to, bool for_good)
{
	(void)from;
	(void)to;
	(void)for_good;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack,
				       to->bottom, to->size);
#endif
#ifdef WITH_TSAN
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
}

void fiber_arrived(struct fiber *f)
{
	(void)f;
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(f->fake_stack, NULL, NULL);
#endif
}
