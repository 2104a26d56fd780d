# SPDX-License-Identifier: GPL-2.0-only
# "make help" lists the targets.

KDIR	?= /lib/modules/$(shell uname -r)/build
PREFIX	?= /usr/local
DESTDIR	?=
# Of "make deb".
DEB_DIR	?= $(CURDIR)/deb
# Files with a key and its certificate, for kernels that load only signed modules.
SIGN_KEY  ?=
SIGN_CERT ?=
# Debian's kernels have another name than include/config/kernel.release has.
RELEASE	 = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
MODULE	 = $(DESTDIR)/lib/modules/$(RELEASE)/updates/kite.ko

# What is installed for this machine is told to it.
define REGISTER
	@if depmod=$$(command -v depmod); then $$depmod $(RELEASE); else \
		echo "No depmod (Debian's kmod, in root's PATH): modprobe does not know kite yet." >&2; fi
	@if sysusers=$$(command -v systemd-sysusers); then $$sysusers $(PREFIX)/lib/sysusers.d/kite.conf; else \
		echo "No systemd-sysusers: make the group kite by groupadd --system." >&2; fi
endef

CHECKS := check-static check-unit check-testhost check-guest check-bench check-kernels check-switches check-debug check-boot check-refuse check-package

.PHONY: all modules ctl selftests clean install install-module install-ctl install-system deb demo check stress bench $(CHECKS) test-host-shell help

all: modules ctl

modules:
	@test -e $(KDIR)/Makefile || { echo "No kernel headers in $(KDIR);" \
		"as root: apt-get install linux-headers-$$(uname -r)," \
		"or name those of another kernel: make KDIR=..." >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

ctl:
	$(MAKE) -C userland-ctl

selftests:
	$(MAKE) -C selftests all

# Without headers there is nothing of the module to remove.
clean:
	test ! -e $(KDIR)/Makefile || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	$(MAKE) -C userland-ctl clean
	$(MAKE) -C userland-ctl/tests clean
	$(MAKE) -C selftests clean
	$(MAKE) -C selftests/unit clean

install: install-module install-ctl install-system
	$(if $(DESTDIR),,$(REGISTER))

install-module: modules
	install -D -m 644 kite.ko $(MODULE)
	$(if $(SIGN_KEY)$(SIGN_CERT),$(KDIR)/scripts/sign-file sha256 "$(SIGN_KEY)" "$(SIGN_CERT)" $(MODULE))

install-ctl: ctl
	install -D -m 755 userland-ctl/kitectl $(DESTDIR)$(PREFIX)/bin/kitectl
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 docs/man/*.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/kitectl/examples packaging/kite-guest@.service

# What an administrator has changed stays.
install-system:
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/udev/rules.d packaging/60-kite.rules
	install -D -m 644 packaging/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/kite.conf
	test -e $(DESTDIR)/etc/modprobe.d/kite.conf || \
		install -D -m 644 packaging/modprobe.conf $(DESTDIR)/etc/modprobe.d/kite.conf

deb:
	@scripts/packages --install deb
	@scripts/deb $(DEB_DIR)

demo:
	@scripts/packages --install ctl testhost
	@demo/run

check:
	@scripts/packages --install ctl testhost debug kernels tcg unit static
	@scripts/check

$(CHECKS):
	@scripts/packages --install ctl testhost debug kernels tcg unit static
	@scripts/check $(@:check-%=%)

# MINUTES=N: begin nothing after that time; JOBS="..." some of it.
stress:
	@scripts/packages --install ctl testhost debug kernels
	@scripts/stress $(addprefix --minutes ,$(MINUTES)) $(JOBS)

bench:
	@scripts/packages --install ctl testhost
	@scripts/bench --chart docs/performance.svg --tables docs/performance.md

test-host-shell:
	@scripts/packages --install ctl testhost
	@echo "kite.ko is loaded; guests are in /guest, tests in /lib/kite/selftests; exit leaves."
	@testhost/run --shell --overlay "$$(demo/overlay cloud)"

help:
	@echo "  all              kite.ko and kitectl, for the running kernel or KDIR=headers"
	@echo "  modules, ctl     one of them"
	@echo "  selftests        the programs that test a loaded kite.ko"
	@echo "  install          module, kitectl, its manual, group and udev rule; DESTDIR=, PREFIX=$(PREFIX);"
	@echo "                   SIGN_KEY= and SIGN_CERT= sign the module"
	@echo "  deb              Debian packages of the same, with DKMS, in DEB_DIR=deb"
	@echo "  demo             boot Debian's kernel on Kite, in an emulated machine with VMX"
	@echo "  test-host-shell  a shell in that machine, with the module loaded"
	@echo "  check            all tests, in about 35 minutes"
	@echo "  $(CHECKS)"
	@echo "                   parts of it"
	@echo "  stress           what takes hours; MINUTES=N bounds it, JOBS=\"memory ...\" chooses"
	@echo "  bench            Kite and KVM with the same guests in one boot; BENCH_JSON=FILE writes JSON"
	@echo "  clean            remove what was built here; the cache is outside the checkout"
	@echo "demo, check, stress and bench install the Debian packages they need as root, else they name them."
