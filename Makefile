# Sluice: an egress policy proxy.  `make` alone lists what can be done.

B	?= build/release
CC	?= cc
CFLAGS	?= -O2 -g
PYTHON	?= /usr/bin/python3

WARN	:= -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	   -Wmissing-prototypes -Wwrite-strings -Wcast-qual -Wvla -Wundef -Wformat=2 \
	   -Wnull-dereference -Wimplicit-fallthrough -Werror
ifneq (,$(findstring gcc,$(shell $(CC) --version 2>/dev/null | tr A-Z a-z)))
WARN	+= -Wlogical-op -Wduplicated-cond
else ifneq (,$(findstring free software foundation,$(shell $(CC) --version 2>/dev/null | tr A-Z a-z)))
WARN	+= -Wlogical-op -Wduplicated-cond
endif
HARDEN	:= -fPIE -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
LIBS	:= -levent_core -lcares -lyaml -lpsl -lidn2 -ljansson -lcrypto -lpthread
ALLFLAGS = -std=c17 -D_GNU_SOURCE -I. $(WARN) $(HARDEN) $(CFLAGS)

PURE	:= $(shell find base blocklists policy -name '*.c' 2>/dev/null | sort)
PROXY	:= $(shell find proxy -name '*.c' ! -path 'proxy/cli/main.c' 2>/dev/null | sort)
DATA	:= $(shell find blocklists policy -name '*.S' 2>/dev/null | sort)
OBJ	:= $(PURE:%.c=$B/%.o) $(PROXY:%.c=$B/%.o) $(DATA:%.S=$B/%.o)
UNIT	:= $(patsubst tests/unit/%_test.c,$B/unit/%_test,$(sort $(wildcard tests/unit/*_test.c)))

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: sluice  ## build ./sluice

sluice: $B/sluice
	@ln -sf $< $@

$B/sluice: $B/proxy/cli/main.o $(OBJ)
	$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now,-z,noexecstack -o $@ $^ $(LIBS)

unit: $(UNIT)  ## build and run every unit test
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

$B/unit/%_test: $B/tests/unit/%_test.o $(OBJ)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie -o $@ $^ -lcmocka $(LIBS)

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) -MMD -MP -c -o $@ $<

$B/%.o: %.S
	@mkdir -p $(@D)
	$(CC) -I. -MMD -MP -c -o $@ $<

-include $(shell find $B -name '*.d' 2>/dev/null)
.PHONY: help build unit
.SECONDARY:
