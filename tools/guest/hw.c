/* SPDX-License-Identifier: MIT */
/*
 * The few devices the guest drives besides the UART: interrupt controller,
 * PIT (wake-ups only), ACPI PM timer (the clock) and ACPI power-off. Both pc
 * and q35 have the ACPI block at 0x600 once SeaBIOS has run.
 *
 * The PM timer counts virtual time: it stops while the guest is
 * stopped and goes on where it was after a migration, on any host. The TSC
 * would not, so nothing here reads it.
 */
#include "testguest.h"
#include "io.h"

#define ACPI_PM1_CONTROL 0x604
#define ACPI_PM_TIMER 0x608
#define PM_TIMER_HZ 3579545u
#define PM_TIMER_MASK 0xffffffu

#define PIT_COUNTER0 0x40
#define PIT_MODE 0x43
#define PIT_HZ 1193182u

#define PIC1_COMMAND 0x20
#define PIC1_DATA 0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA 0xa1
#define PIC1_VECTOR 0x20
#define PIC2_VECTOR 0x28

#define CODE_SELECTOR 0x08
#define INTERRUPT_GATE 0x8e
#define EXCEPTIONS 32
#define EXCEPTION_STUB_BYTES 16
#define VECTORS 48

struct gate {
	uint16_t offset_low, selector;
	uint8_t zero, type;
	uint16_t offset_high;
} __attribute__((packed));

struct table_pointer {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

extern const char boot_exceptions[], boot_irq_timer[], boot_irq_ignore[];

static struct gate idt[VECTORS];

static void idt_load(const void *base, uint16_t limit)
{
	struct table_pointer pointer = { limit, (uint32_t)(uintptr_t)base };

	asm volatile("lidt %0" : : "m"(pointer));
}

static void idt_set(unsigned int vector, const char *handler)
{
	uint32_t offset = (uint32_t)(uintptr_t)handler;

	idt[vector] = (struct gate){
		.offset_low = (uint16_t)offset,
		.selector = CODE_SELECTOR,
		.type = INTERRUPT_GATE,
		.offset_high = (uint16_t)(offset >> 16),
	};
}

static void idt_init(void)
{
	unsigned int vector;

	for (vector = 0; vector < EXCEPTIONS; vector++)
		idt_set(vector,
			boot_exceptions + vector * EXCEPTION_STUB_BYTES);
	for (; vector < VECTORS; vector++)
		idt_set(vector, boot_irq_ignore);
	idt_set(PIC1_VECTOR, boot_irq_timer);
	idt_load(idt, sizeof(idt) - 1);
}

static void pic_init(void)
{
	io_out8(PIC1_COMMAND, 0x11);
	io_out8(PIC2_COMMAND, 0x11);
	io_out8(PIC1_DATA, PIC1_VECTOR);
	io_out8(PIC2_DATA, PIC2_VECTOR);
	io_out8(PIC1_DATA, 0x04);
	io_out8(PIC2_DATA, 0x02);
	io_out8(PIC1_DATA, 0x01);
	io_out8(PIC2_DATA, 0x01);
	io_out8(PIC1_DATA, 0xfe); /* IRQ 0 alone */
	io_out8(PIC2_DATA, 0xff);
}

void hw_tick(uint32_t ms)
{
	uint16_t divisor = (uint16_t)(PIT_HZ * ms / 1000u);

	io_out8(PIT_MODE, 0x34); /* counter 0, both bytes, mode 2 */
	io_out8(PIT_COUNTER0, (uint8_t)divisor);
	io_out8(PIT_COUNTER0, divisor >> 8);
}

void hw_init(void)
{
	idt_init();
	pic_init();
	hw_tick(1);
}

bool hw_clock_works(void)
{
	uint32_t first = io_in32(ACPI_PM_TIMER);
	unsigned int i;

	for (i = 0; i < 10000; i++)
		if (io_in32(ACPI_PM_TIMER) != first)
			return true;
	return false;
}

void hw_clock_start(struct clock *clock)
{
	*clock = (struct clock){
		.raw = io_in32(ACPI_PM_TIMER) & PM_TIMER_MASK,
	};
}

/* Has to run more often than the counter wraps, which is every 4.6 s. */
void hw_clock_update(struct clock *clock)
{
	uint32_t raw = io_in32(ACPI_PM_TIMER) & PM_TIMER_MASK;

	clock->ticks += (raw - clock->raw) & PM_TIMER_MASK;
	clock->raw = raw;
	clock->now_us = clock->ticks * 1000000u / PM_TIMER_HZ;
}

void hw_wait(void)
{
	asm volatile("sti\n\thlt\n\tcli" : : : "memory");
}

void hw_halt(void)
{
	for (;;)
		asm volatile("cli\n\thlt");
}

void hw_poweroff(void)
{
	io_out16(ACPI_PM1_CONTROL, 0x2000);
}

void hw_triple_fault(void)
{
	idt_load(NULL, 0);
	asm volatile("int3");
	hw_halt();
}
