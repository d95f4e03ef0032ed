# Sourced by run.sh and test.sh, which set `root`: keeps the repository's .venv true to a lock.
#
# .venv holds a copy of every lock that it satisfies (`satisfied-NAME`), and `whole` while no installation is under way:
# one that was interrupted leaves no `whole`, and the next start makes .venv anew.

venv="$root/.venv"

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

# Prints the first Python that can make the environment; never an activated environment's, which may be this one's.
find_python() {
    incomplete=
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        "$candidate" -c 'import ensurepip, sqlite3, ssl, sys, venv; print(sys._base_executable)' 2>/dev/null && return
        incomplete=$candidate
    done
    [ -z "$incomplete" ] || fail "Mirabelle needs $incomplete's venv module: on Debian and Ubuntu, apt-get install python3-venv."
    fail "Mirabelle needs Python 3.11 or newer: on Debian and Ubuntu, apt-get install python3 python3-venv; on macOS, brew install python."
}

# Whether .venv is whole and its Python is still the one that it was made with.
is_whole() {
    [ -e "$venv/whole" ] && "$venv/bin/python" -I -c 'import pip' >/dev/null 2>&1
}

satisfies() {
    is_whole && cmp -s "$root/build_config/requirements-$1.txt" "$venv/satisfied-$1"
}

# Waits until no other start is installing. The lock belongs to file descriptor 9, which pip inherits: it ends with the
# last process of this installation, however that ends.
lock_environment() {
    exec 9<"$root/build_config/environment.sh"
    "$1" -c '
import fcntl
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Another start is installing into .venv: waiting for it.", flush=True)
    fcntl.flock(9, fcntl.LOCK_EX)
'
}

# Turns pip's account of $1 packages into one line that moves on a terminal, and into a line a package elsewhere.
show_progress() {
    if [ -t 1 ]; then start='\r\033[K' end=; else start= end='\n'; fi
    count=0
    while read -r verb name _; do
        case $verb in
        Ignoring | Requirement) count=$((count + 1)) ;;
        Collecting | Processing)
            count=$((count + 1))
            name=${name##*/}
            name=${name%%==*}
            printf "$start%s of %s: %s$end" "$count" "$1" "${name%%-[0-9]*}"
            ;;
        Installing) printf "${start}Unpacking them.\n" ;;
        esac
    done
}

# install_all NAME: what that lock lists. It is complete, so pip has nothing to resolve; bytecode is written as modules
# are first used.
install_all() {
    list="$root/build_config/requirements-$1.txt"
    shift
    "$venv/bin/python" -I -m pip install --disable-pip-version-check --no-deps --no-compile --require-hashes \
        "$@" -r "$list"
}

# install_lock NAME PYTHON
install_lock() {
    requirements="$root/build_config/requirements-$1.txt"
    echo "Installing what Mirabelle needs into .venv. This happens once and takes about a minute."
    if ! is_whole; then
        rm -rf "$venv"
        "$2" -m venv "$venv"
    fi
    rm -f "$venv/whole"
    # The pip that Python brings may need twice the time for what follows, and can do it.
    install_all install --quiet || echo "Installing with the pip that Python brings."
    {
        install_all "$1" &&
            cp "$requirements" "$venv/satisfied-$1" &&
            : >"$venv/whole"
    } | show_progress "$(grep -c == "$requirements")"
    [ -e "$venv/whole" ] || fail "The installation did not finish, for the reason above. Starting again does it anew."
}

# ensure_environment NAME: .venv satisfies build_config/requirements-NAME.txt once this returns.
ensure_environment() {
    if ! satisfies "$1"; then
        python=$(find_python)
        lock_environment "$python"
        satisfies "$1" || install_lock "$1" "$python"
        exec 9<&-
    fi
}
