#!/bin/sh
# Build a CPython on musl from Debian's sources; tests/deploy/test_pyz.py runs it where
# it is there. By hand, as it takes some minutes: make musl (root, x86-64, once).
set -eu

target=${XDG_CACHE_HOME:-$HOME/.cache}/aiproxy-tests/musl-python
if [ -x "$target/bin/python3" ]; then
    echo "It is in $target already."
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jobs=$(nproc)

# This machine's own package sources, asked for sources; its settings stay as they are.
# Without the security updates: mirrors do not always have their sources.
mkdir -p "$work/parts" "$work/lists/partial" "$work/src" "$work/prefix/include"
for file in /etc/apt/sources.list.d/debian*.sources; do
    awk 'BEGIN { RS = ""; ORS = "\n\n" } !/security/' "$file" |
        sed 's/^Types:.*/Types: deb-src/' >"$work/parts/${file##*/}"
done
apt() {
    apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/parts" \
        -o "Dir::State::lists=$work/lists" -o Dir::Cache::pkgcache= \
        -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    bzip2 gcc make musl-tools perl tcl xz-utils
apt update
cd "$work/src"
apt source --download-only openssl python3.11 sqlite3 zlib
for name in openssl python3.11 sqlite3 zlib; do
    mkdir "$name"
    for archive in "$name"_*.orig.tar.gz "$name"_*.orig.tar.xz "$name"_*.orig.tar.bz2; do
        [ ! -e "$archive" ] || tar -xf "$archive" -C "$name" --strip-components 1
    done
done

# The compiler for musl, which would else name the machine's C library as its own.
prefix=$work/prefix
cat >"$work/cc" <<'END'
#!/bin/sh
[ "$1" = --print-multiarch ] && exit 0
exec musl-gcc "$@"
END
chmod +x "$work/cc"
export CC="$work/cc"
for folder in linux asm-generic mtd; do
    ln -s "/usr/include/$folder" "$prefix/include/$folder"
done
ln -s /usr/include/x86_64-linux-gnu/asm "$prefix/include/asm"

(
    cd zlib
    CFLAGS="-O1 -fPIC" ./configure --static --prefix="$prefix"
    make -j"$jobs" libz.a
    make install
)
(
    cd sqlite3
    CFLAGS="-O1 -fPIC" ./configure --prefix="$prefix" --disable-shared --disable-tcl \
        --disable-readline --disable-dynamic-extensions
    make -j"$jobs" libsqlite3.la
    cp .libs/libsqlite3.a "$prefix/lib/"
    cp sqlite3.h "$prefix/include/"
)
(
    cd openssl
    ./Configure linux-x86_64 no-shared no-tests no-asm no-engine no-async no-afalgeng \
        no-legacy no-secure-memory -O1 -fPIC -idirafter "$prefix/include" \
        --prefix="$prefix" --libdir=lib
    make -j"$jobs" build_libs
    make install_dev
)
cd python3.11
# It would look among the machine's own headers, which are another C library's.
sed -i 's/^\( *\)self\.add_multiarch_paths()/\1pass/; s/self\.add_gcc_paths()/pass/' \
    setup.py
CFLAGS="-O1 -idirafter $prefix/include" CPPFLAGS="-I$prefix/include" \
    LDFLAGS="-L$prefix/lib" ./configure --without-ensurepip --disable-test-modules \
    --with-openssl="$prefix"
make -j"$jobs" python
make -j"$jobs" sharedmods
built=$(cat pybuilddir.txt)
"$CC" -shared -fPIC -O1 -DMODULE_NAME='"sqlite3"' -IInclude -IInclude/internal -I. \
    -I"$prefix/include" -idirafter "$prefix/include" Modules/_sqlite/*.c \
    "$prefix/lib/libsqlite3.a" -o "$built/_sqlite3.so"

mkdir -p "$work/out/bin" "$work/out/lib"
cp python "$work/out/bin/python3"
cp -r Lib "$work/out/lib/python3.11"
mkdir -p "$work/out/lib/python3.11/lib-dynload"
cp "$built"/*.so "$work/out/lib/python3.11/lib-dynload/"
cp "$built"/_sysconfigdata*.py "$work/out/lib/python3.11/"
rm -rf "$work/out/lib/python3.11/test" "$work/out/lib/python3.11/idlelib"
mkdir -p "${target%/*}"
mv "$work/out" "$target"
echo "It is in $target."
