/* SPDX-License-Identifier: MIT */
/*
 * Entry of the test guest: multiboot header, stack, descriptor tables and the
 * interrupt stubs. Interrupts are only ever enabled around hlt (hw_wait), so a
 * stub has nothing to save and no C code runs in interrupt context.
 */
#define MB_MAGIC 0x1badb002
#define MB_FLAGS 0x00000003		/* modules page-aligned, memory map */

	.section .multiboot, "a"
	.align 4
	.long MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)

	.section .text
	.globl boot_start
boot_start:
	cli
	cld
	movl	$boot_canary, %esp	/* the stack starts right below it */
	lgdt	gdt_pointer
	ljmp	$0x08, $1f
1:	movw	$0x10, %cx
	movw	%cx, %ds
	movw	%cx, %es
	movw	%cx, %ss
	movl	%cr0, %ecx
	andl	$~0x4, %ecx		/* EM off: */
	orl	$0x2, %ecx		/* and MP on, SSE is ours */
	movl	%ecx, %cr0
	movl	%cr4, %ecx
	orl	$0x600, %ecx		/* OSFXSR, OSXMMEXCPT */
	movl	%ecx, %cr4
	xorl	%ebp, %ebp
	subl	$8, %esp		/* 16-byte aligned at the call */
	pushl	%ebx			/* multiboot information */
	pushl	%eax			/* multiboot magic */
	call	testguest_main
2:	cli
	hlt
	jmp	2b

/* IRQ 0, the timer: it is enough that hlt returned. */
	.globl boot_irq_timer
boot_irq_timer:
	pushl	%eax
	movb	$0x20, %al
	outb	%al, $0x20
	popl	%eax
	iret

	.globl boot_irq_ignore
boot_irq_ignore:
	iret

/* One stub a vector of the CPU's exceptions; none of them returns. */
	.globl boot_exceptions
boot_exceptions:
	.set	vector, 0
	.rept	32
	.align	16
	pushl	$vector
	call	testguest_exception
	.set	vector, vector + 1
	.endr

	.section .rodata
	.align 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff	/* 0x08: flat code */
	.quad 0x00cf92000000ffff	/* 0x10: flat data */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt

	.section .bss
	.align 4096
	.skip 8192
	.globl boot_canary
boot_canary = . - 16			/* in the page of main's frame */

	.section .note.GNU-stack, "", @progbits
