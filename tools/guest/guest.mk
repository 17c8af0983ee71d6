# SPDX-License-Identifier: MIT
# The built-in test guest: 32-bit, freestanding, a few KB. Included by the
# top Makefile; needs a compiler that knows -m32 (gcc-multilib for gcc).

GUEST_CC ?= $(CC)
BUILD ?= build
GUEST_DIR := tools/guest
GUEST_OBJDIR := $(BUILD)/obj/guest
GUEST_SRC := boot.S testguest.c hw.c pages.c param.c uart.c
GUEST_OBJ := $(patsubst %,$(GUEST_OBJDIR)/%.o,$(basename $(GUEST_SRC)))

# The compiler keeps its hands off the SSE registers: root.h lives there.
GUEST_CFLAGS := -m32 -march=i686 -mgeneral-regs-only -std=gnu11 -O2 \
	-ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 $(if $(WERROR),-Werror)
GUEST_LDFLAGS := -m32 -nostdlib -static -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 \
	-Wl,-T,$(GUEST_DIR)/guest.ld

$(BUILD)/guest.elf: $(GUEST_OBJ) $(GUEST_DIR)/guest.ld
	$(call say,LINK,$@)
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -o $@ $(GUEST_OBJ) -lgcc

$(GUEST_OBJDIR)/%.o: $(GUEST_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(GUEST_OBJDIR)/%.o: $(GUEST_DIR)/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(GUEST_CC) -m32 -MMD -MP -c -o $@ $<

-include $(GUEST_OBJ:.o=.d)
