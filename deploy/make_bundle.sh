#!/bin/sh
# Makes dist/sanji-VERSION-offline.tar.gz: all that installs and runs a hub where there is no network.
# Wheels are fetched once for each state of uv.lock and kept in WHEELS (.tools/wheels).
set -eu
cd "$(dirname "$0")/.."
uv=.tools/bin/uv
python=${PYTHON:-.venv/bin/python}
version=$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
name="sanji-$version-offline"
out=${OUT:-dist}
stage="$out/$name"
rm -rf "$stage" "$stage.tar.gz"
mkdir -p "$stage/wheels"

"$uv" export --frozen --no-dev --no-emit-project --no-header --quiet --output-file "$stage/hashed.txt" >/dev/null
kept="${WHEELS:-.tools/wheels}/$(sha256sum "$stage/hashed.txt" | cut -c1-16)"
if [ ! -e "$kept/complete" ]; then
    mkdir -p "$kept"
    # Only wheels, only with the hashes of uv.lock: nothing is built, nothing is run.
    .tools/bin/pip download --quiet --disable-pip-version-check --only-binary=:all: --require-hashes \
        --requirement "$stage/hashed.txt" --dest "$kept"
    touch "$kept/complete"
fi
cp "$kept"/*.whl "$stage/wheels/"
"$uv" build --quiet --wheel --out-dir "$stage/wheels" .
rm -f "$stage/wheels/.gitignore"

sed -n 's/^\([A-Za-z0-9._-]*==[^ ;\\]*\( ; [^\\]*\)\{0,1\}\).*/\1/p' "$stage/hashed.txt" >"$stage/requirements.txt"
echo "sanji==$version" >>"$stage/requirements.txt"
rm "$stage/hashed.txt"
cp -R deploy docs README.md README.zh-CN.md CHANGELOG.md LICENSE "$stage/"
mv "$stage/deploy/install.sh" "$stage/install.sh"
rm "$stage/deploy/make_bundle.sh"
"$python" -c 'import platform, sys; print("%d.%d" % sys.version_info[:2], platform.machine())' >"$stage/PLATFORM"
(cd "$stage" && find . -type f ! -name SHA256SUMS | sort | xargs -d '\n' sha256sum >SHA256SUMS)
tar -C "$out" --owner=0 --group=0 --sort=name -czf "$stage.tar.gz" "$name"
rm -rf "$stage"
echo "$stage.tar.gz"
