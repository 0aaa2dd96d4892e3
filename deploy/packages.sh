#!/bin/sh
# Install what is missing of Debian's packages: `packages.sh build`, `check` or `lint`, each with
# the sets before it.  As root, or through sudo; otherwise it says what to install.
set -eu

# The last two are not built with: `sluice blocklist update` runs curl, which needs authorities.
build="gcc libc6-dev pkg-config libevent-dev libssl-dev libyaml-dev libc-ares-dev libpsl-dev
	libidn2-dev libjansson-dev libseccomp-dev publicsuffix zlib1g-dev liblzma-dev
	curl ca-certificates"
check="libcmocka-dev python3 python3-pytest python3-pip wget git openssl iproute2 procps
	dnsmasq-base xz-utils strace"
lint="clang clang-tidy clang-format libclang-rt-14-dev cppcheck gcovr mandoc"

case "${1:-}" in
build) wanted="$build" ;;
check) wanted="$build $check" ;;
lint) wanted="$build $check $lint" ;;
*)
	echo "usage: $0 build|check|lint" >&2
	exit 2
	;;
esac

missing=""
for package in $wanted; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
		missing="$missing $package"
done
# Node.js may have come from elsewhere: what counts is that it is there.
if [ "$1" != build ]; then
	command -v node >/dev/null || missing="$missing nodejs"
	command -v npm >/dev/null || missing="$missing npm"
fi
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
	sudo="sudo"
	if ! command -v sudo >/dev/null; then
		echo "These packages are missing, and only root can install them:$missing" >&2
		echo "Run as root:  apt-get install$missing" >&2
		exit 1
	fi
fi
echo "Installing from Debian's packages:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q
# shellcheck disable=SC2086  # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
