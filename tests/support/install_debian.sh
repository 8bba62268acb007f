#!/bin/sh
# Installs the Debian packages the tests use, or those named, where it may (root, or sudo without a password); names
# them elsewhere.
# Says nothing when all of them are there. Starts and stops no service.
set -eu

# Any Java will do for Spark.
java=default-jre-headless
if command -v java >/dev/null 2>&1; then java=""; fi
packages="${*:-chromium $java fonts-wqy-zenhei libreoffice-calc-nogui libnginx-mod-stream libreoffice-writer-nogui mariadb-server nginx poppler-utils postgresql-15}"

command -v dpkg-query >/dev/null 2>&1 || {
    echo "Not a Debian system. Wanted: $packages"
    exit 0
}
missing=""
for package in $packages; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    root="sudo"
else
    echo "Wanted, and not here; as root: apt-get install$missing"
    exit 0
fi

# Packages start their services when they are installed, unless this file says no.
policy=/usr/sbin/policy-rc.d
made=""
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    $root chmod 755 "$policy"
    made=yes
fi
trap '[ -z "$made" ] || $root rm -f "$policy"' EXIT

install() {
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

echo "Installing:$missing"
# shellcheck disable=SC2086 — a list of packages
if install $missing; then
    exit 0
fi
$root apt-get update -qq >/dev/null 2>&1 || true
for package in $missing; do
    install "$package" || echo "Could not install $package; what needs it is left out."
done
