# Thin: the work is done by scripts/ and by each package's own build script.

IFACE ?=
DIRECTION ?=

all: build

build:
	@scripts/bootstrap.sh

clean:
	@$(MAKE) -s -C bpf clean
	@rm -rf packages/*/dist bench/dist

check: build
	@scripts/check.sh $(IFACE)

attach:
	@scripts/attach_tc.sh $(IFACE) $(DIRECTION)

detach:
	@scripts/detach_tc.sh $(IFACE) $(DIRECTION)

test:
	@scripts/test.sh

help:
	@echo 'make [all]   install what is missing and build everything'
	@echo 'make build   the same'
	@echo 'make clean   remove what was built'
	@echo 'make check   attach and detach once, in a network namespace of its own;'
	@echo '             with IFACE=eth0 on that interface'
	@echo 'make attach  attach to the default interface; IFACE=eth0 DIRECTION=ingress'
	@echo 'make detach  detach from it'
	@echo 'make test    run every test'

.PHONY: all build clean check attach detach test help
