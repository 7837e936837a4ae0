#!/bin/sh
# Runs in the Dockerfile: collects the files of snowglobe's image in /out/snowglobe: the program, the libraries it links,
# and the time zones for schedules. There is no shell and no package manager.
set -eu
root=/out/snowglobe
mkdir -p $root/usr/bin $root/usr/lib $root/usr/share $root/tmp $root/data $root/run/snowglobe
cp /out/bin/snowglobe $root/usr/bin/
cp target/duckdb/libduckdb_java.so_* $root/usr/lib/
strip --strip-unneeded $root/usr/lib/libduckdb_java.so_*
libraries=$(ldd $root/usr/bin/snowglobe $root/usr/lib/libduckdb_java.so_*)
if echo "$libraries" | grep 'not found'; then
    exit 1
fi
echo "$libraries" | grep -o '/[^ ]*' | grep -v "^$root" | sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
cp -r /usr/share/zoneinfo $root/usr/share/
rm -rf $root/usr/share/zoneinfo/right $root/usr/share/zoneinfo/posix
chown 1000:1000 $root/tmp $root/data $root/run/snowglobe
