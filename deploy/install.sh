#!/bin/sh
# Installs the hub from this folder, without any index or network: install.sh [FOLDER], by default /opt/sanji.
# PYTHON names another Python than python3; it must be of the version and machine the bundle was made for (PLATFORM).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-/opt/sanji}
python=${PYTHON:-python3}

wanted=$(cat "$here/PLATFORM")
found=$("$python" -c 'import platform, sys; print("%d.%d" % sys.version_info[:2], platform.machine())')
[ "$wanted" = "$found" ] || {
    echo "安装包适用于 Python $wanted，此处为 $found。 / The bundle is for Python $wanted; this is $found." >&2
    exit 1
}
(cd "$here" && sha256sum --check --quiet SHA256SUMS) || {
    echo "安装包已损坏，请重新拷贝。 / The bundle is damaged: copy it again." >&2
    exit 1
}
"$python" -m venv "$folder" || {
    echo "无法建立虚拟环境（Debian：python3-venv）。 / Cannot make a virtual environment (Debian: python3-venv)." >&2
    exit 1
}
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --no-index \
    --find-links "$here/wheels" --requirement "$here/requirements.txt"
rm -rf "$folder/docs" "$folder/deploy"
cp -R "$here/docs" "$here/deploy" "$folder/"
echo "已安装：$folder/bin/sanji。下一步见 $folder/docs/deployment.md。 / Installed; docs/deployment.md goes on from here."
