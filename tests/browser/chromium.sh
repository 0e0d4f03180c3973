#!/bin/sh
# Prints the path of a Chromium. Root installs Debian's where there is none; others are told what to do.
set -u

find_chromium() {
	for name in ${CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable}; do
		command -v "$name" && return 0
	done
	return 1
}

find_chromium && exit 0
if [ -z "${CHROMIUM:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "Installing Debian's chromium (about 300 MB)" >&2
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/tmp/chromium-install.$$ 2>&1 &&
		rm -f /tmp/chromium-install.$$ && find_chromium && exit 0
	tail -n 3 /tmp/chromium-install.$$ >&2
	rm -f /tmp/chromium-install.$$
fi
cat >&2 <<'MESSAGE'
make: the browser tests need Chromium, and none was found or could be installed.
      On Debian: apt-get install chromium. Elsewhere: make test-browser CHROMIUM=/path/to/chrome
MESSAGE
exit 1
