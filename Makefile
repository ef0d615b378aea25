# Thin: the work is done by scripts/ and by each package's own build script.

IFACE ?=
DIRECTION ?=
PREFIX ?= /usr/local
DESTDIR ?=

# Where bootstrap.sh had to install a newer Node.js, the scripts run on that.
export PATH := $(CURDIR)/scripts/node/node_modules/.bin:$(PATH)

all: build

build:
	@scripts/bootstrap.sh

clean:
	@$(MAKE) -s -C bpf clean
	@rm -rf packages/*/dist bench/dist dist

check: build
	@scripts/check.sh $(IFACE)

attach:
	@scripts/attach_tc.sh $(IFACE) $(DIRECTION)

detach:
	@scripts/detach_tc.sh $(IFACE) $(DIRECTION)

# TrueIngress writes it so.
dettach: detach

install: build
	@scripts/install.mjs --prefix '$(PREFIX)' --destdir '$(DESTDIR)'

uninstall:
	@scripts/install.mjs --uninstall --prefix '$(PREFIX)' --destdir '$(DESTDIR)'

package: build
	@scripts/package.sh

prod-img: package
	@scripts/image.sh

test:
	@scripts/test.sh

help:
	@echo 'make [all]      install what is missing and build everything'
	@echo 'make build      the same'
	@echo 'make clean      remove what was built'
	@echo 'make check      attach and detach once, in a network namespace of its own;'
	@echo '                with IFACE=eth0 on that interface'
	@echo 'make attach     attach to the default interface; IFACE=eth0 DIRECTION=ingress'
	@echo 'make detach     detach from it'
	@echo 'make install    install into PREFIX=/usr/local below DESTDIR='
	@echo 'make uninstall  remove what that installed'
	@echo 'make package    build the Debian packages, to dist/'
	@echo 'make prod-img   pack the programs into an OCI image, to dist/'
	@echo 'make test       run every test'

.PHONY: all build clean check attach detach dettach install uninstall package prod-img test help
