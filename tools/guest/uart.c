/* SPDX-License-Identifier: MIT */
/*
 * The first serial port, polled. Output goes through a ring and is written
 * when the UART has room, so a reader who stops reading costs lines, never
 * the guest's progress; a line is lost whole or not at all.
 */
#include <stdarg.h>

#include "testguest.h"
#include "io.h"

#define UART_DATA 0x3f8
#define UART_INTERRUPTS 0x3f9
#define UART_FIFO 0x3fa
#define UART_LINE_CONTROL 0x3fb
#define UART_MODEM_CONTROL 0x3fc
#define UART_LINE_STATUS 0x3fd
#define UART_RX_READY 0x01
#define UART_TX_EMPTY 0x20
#define UART_FIFO_BYTES 16

#define TX_MASK (sizeof(st.tx) - 1)
#define DRAIN_TRIES 100000u

_Static_assert((sizeof(st.tx) & TX_MASK) == 0, "a ring's size is a power of 2");

struct line {
	char text[160];
	uint32_t len;
};

void uart_init(void)
{
	io_out8(UART_INTERRUPTS, 0);
	io_out8(UART_LINE_CONTROL, 0x80); /* divisor 1: 115200 baud */
	io_out8(UART_DATA, 1);
	io_out8(UART_INTERRUPTS, 0);
	io_out8(UART_LINE_CONTROL, 0x03); /* 8 bits, no parity */
	io_out8(UART_FIFO, 0x07);
	io_out8(UART_MODEM_CONTROL, 0x03);
}

int uart_getc(void)
{
	uint8_t status = io_in8(UART_LINE_STATUS);

	if (status == 0xff || !(status & UART_RX_READY))
		return -1;
	return io_in8(UART_DATA);
}

static void line_char(struct line *line, char c)
{
	if (line->len < sizeof(line->text))
		line->text[line->len++] = c;
}

static void line_number(struct line *line, uint64_t value, uint32_t base)
{
	char digits[20];
	uint32_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		line_char(line, digits[--n]);
}

static void line_string(struct line *line, const char *s)
{
	while (*s)
		line_char(line, *s++);
}

static void line_format(struct line *line, const char *format, va_list args)
{
	for (; *format; format++) {
		if (*format != '%') {
			line_char(line, *format);
			continue;
		}
		switch (*++format) {
		case 's':
			line_string(line, va_arg(args, const char *));
			break;
		case 'u':
			line_number(line, va_arg(args, uint32_t), 10);
			break;
		case 'U':
			line_number(line, va_arg(args, uint64_t), 10);
			break;
		case 'x':
			line_number(line, va_arg(args, uint32_t), 16);
			break;
		}
	}
}

bool uart_line(const char *format, ...)
{
	struct line line;
	va_list args;
	uint32_t i;

	line.len = 0;
	va_start(args, format);
	line_format(&line, format, args);
	va_end(args);
	line_char(&line, '\n');
	line.text[line.len - 1] = '\n'; /* also when cut short */
	if (sizeof(st.tx) - (st.tx_head - st.tx_tail) < line.len)
		return false;
	for (i = 0; i < line.len; i++)
		st.tx[st.tx_head++ & TX_MASK] = line.text[i];
	return true;
}

void uart_flush(void)
{
	uint32_t n;

	while (st.tx_head != st.tx_tail) {
		if (!(io_in8(UART_LINE_STATUS) & UART_TX_EMPTY))
			return;
		for (n = 0; n < UART_FIFO_BYTES; n++) {
			if (st.tx_head == st.tx_tail)
				return;
			io_out8(UART_DATA, st.tx[st.tx_tail++ & TX_MASK]);
		}
	}
}

void uart_drain(void)
{
	uint32_t tries;

	for (tries = 0; tries < DRAIN_TRIES; tries++) {
		uart_flush();
		if (st.tx_head == st.tx_tail)
			return;
	}
}
