#!/bin/sh
# Unpacks PgBouncer and an old PostgreSQL from Debian's packages into the folder $1; installs nothing.
set -eu

folder=$1
mkdir -p "$folder/packages"
cd "$folder/packages"
apt-get download -qq pgbouncer libevent-2.1-7 libc-ares2 postgresql-15 2>/dev/null || {
    echo "The packages cannot be had: this needs Debian 12, and its package index ('apt-get update')." >&2
    exit 1
}
for package in *.deb; do
    dpkg -x "$package" "$folder"
done
