/* SPDX-License-Identifier: MIT */
/*
 * fiber: announces a change of stack to sanitizers and valgrind.
 *
 * Without it they take a switch of stacks for a wild jump. In an ordinary
 * build everything here is empty.
 */
#ifndef TRANSPORT_BASE_FIBER_H
#define TRANSPORT_BASE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

struct fiber {
	void *fake_stack;   /* ASan's, saved while another stack runs */
	const void *bottom; /* lowest address; NULL for the thread's own */
	size_t size;
	void *tsan;
	unsigned int valgrind_id;
};

/* The fiber of the thread that runs the loop. */
void fiber_main(struct fiber *f);
void fiber_stack_register(struct fiber *f, void *bottom, size_t size);
void fiber_stack_unregister(struct fiber *f);
/* Just before the switch; @for_good when @from never runs again. */
void fiber_leave(struct fiber *from, struct fiber *to, bool for_good);
/* First thing on the stack of @f after a switch to it. */
void fiber_arrived(struct fiber *f);

#endif
