#!/bin/sh
# Runs every check, installing what they need first; the first that fails ends it. Words go to pytest.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/build_config/environment.sh"

has_chromium() {
    for name in chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        "$name" --version >/dev/null 2>&1 && return
    done
    return 1
}

has_desktop() {
    for name in dbus-daemon Xvfb dunst xdotool; do
        command -v "$name" >/dev/null || return 1
    done
}

has_keyring() {
    for name in dbus-daemon gnome-keyring-daemon; do
        command -v "$name" >/dev/null || return 1
    done
}

# Installs Debian's packages where it can: as root, or with a sudo that asks for no password.
install_packages() {
    if [ "$(id -u)" = 0 ]; then as_root=; else as_root="sudo -n"; fi
    if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
        echo "Installing $*."
        # Where there is no way to the packages, that is to be known soon.
        soon="-o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"
        $as_root apt-get update -q $soon &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $soon "$@" || true
    fi
}

ensure_chromium() {
    has_chromium && return
    install_packages chromium
    has_chromium ||
        fail "The journeys need Chromium or Google Chrome: install one of them, so that 'chromium' or 'google-chrome' starts it."
}

check() {
    printf '\n== %s\n' "$1"
    shift
    "$venv/bin/python" "$@"
}

# Many tests start processes of their own: let the first one's bytecode serve the others.
unset PYTHONDONTWRITEBYTECODE

ensure_environment test
ensure_chromium
cd "$root"
export PYTHONPATH="$root/app"
# What the tests import is compiled while one core has the checks to do: else each of the tests' processes compiles it.
"$venv/bin/python" -m pytest --collect-only -q "$@" >/dev/null 2>&1 &
compiling=$!
check "Style" -m ruff check
check "Format" -m ruff format --check
check "Types" -m mypy
check "Import arrows" -c 'from importlinter.cli import lint_imports_command as check; check(["--no-logo"])'
if has_desktop || { install_packages dbus-daemon xvfb dunst xdotool && has_desktop; }; then
    check "Notifications on a real desktop" -m tests.client.real_desktop
else
    echo "No notifications are tried on a real desktop: that takes dbus-daemon, Xvfb, dunst and xdotool."
fi
if has_keyring || { install_packages dbus-daemon gnome-keyring && has_keyring; }; then
    check "Secrets in a real Secret Service" -m tests.client.real_secret_service
else
    echo "No secrets are kept in a real Secret Service: that takes dbus-daemon and gnome-keyring."
fi
wait "$compiling" || true # what is wrong there the tests tell
# A third process has work for the two cores of a small machine while others wait for Chromium, PostgreSQL or a disk.
check "Tests" -m pytest -n 3 --dist worksteal "$@"
