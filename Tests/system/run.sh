#!/bin/bash
# Boots a minimal Debian with real systemd in a container, installs the package in it and tells the
# whole life of an installation there: timers, OpenVPN's own units, a hung sweep, a reboot, upgrade,
# purge, and a checkout in place of the package; and, beside it, a host without systemd where cron does
# the work.
#
# usage: Tests/system/run.sh [RELEASE]     after make deb; as root, from the top of the checkout
#
# With a RELEASE of Debian, such as sid, it is that one, and only the life of a server is told: set up,
# a client over quota, taken back, served without us. Runs for several releases may go side by side.
#
# Everything is below .build/system… and in containers of their own; the machine itself is left alone.
set -euo pipefail
shopt -s nullglob
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
release=${1:-}
work=$PWD/.build/system${release:+-$release}
machine=quota${release:+-$release}
root=$work/root
console=$work/console.log
containers=()

die() {
  echo "test-system: error: $1" >&2
  exit 1
}

end() {
  local status=$?
  # The second signal ends a container at once.
  for _ in 1 2; do
    kill "${containers[@]}" 2>/dev/null || true
    sleep 0.3
  done
  wait "${containers[@]}" 2>/dev/null || true
  [ "$status" = 0 ] || { echo "--- the console's last lines"; tail -n 15 "$console" || true; }
  rm -rf "$root" "$root-cron" "$work/shared"
  exit "$status"
}

# The files of a fresh system; made anew every day.
make_root() {
  # shellcheck disable=SC1091
  codename=${release:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
  local wanted=adduser,cron,dbus,iproute2,iputils-ping,libsqlite3-0,make,nftables,openssl,openvpn,sudo,systemd,systemd-sysv,tzdata
  local archive start=$SECONDS
  archive=$work/$codename-$(cksum <<<"$wanted" | cut -d ' ' -f 1).tar
  if [ -z "$(find "$archive" -mtime -1 2>/dev/null)" ]; then
    # An index that is some weeks older than this machine's clock will do.
    if mmdebstrap --quiet --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --include=$wanted \
      "$codename" "$work/new.tar"; then
      mv "$work/new.tar" "$archive"
    else
      [ -e "$archive" ] || die "cannot get a fresh $codename; is its mirror out of reach?"
      echo "test-system: warning: the $codename of an earlier day is used" >&2
    fi
  fi
  mkdir "$root" "$root-cron"
  tar -C "$root" -xf "$archive"
  tar -C "$root-cron" -xf "$archive"
  echo "== a fresh $codename: $((SECONDS - start)) s"
}

boot() {
  # systemd from 258 on wants the unified hierarchy, whatever the host has.
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet -b -D "$root" --register=no --keep-unit --private-network --machine="$machine" \
    --bind=/dev/net/tun --capability=CAP_NET_ADMIN --bind="$work/shared:/shared" --console=pipe \
    </dev/null >"$console" 2>&1 &
  nspawn=$!
  containers+=("$nspawn")
}

# Runs a command in the container, whose first process is the child of systemd-nspawn.
inside() {
  local leader
  leader=$(pgrep -P "$nspawn" | head -n 1) || return 1
  nsenter -t "$leader" -m -u -i -n -p -C env -i PATH="$PATH" TERM=dumb "$@"
}

wait_for_boot() {
  local state
  for _ in $(seq 300); do
    # Which fails for a system where something of Debian's own did not start, as in a container it may.
    state=$(inside systemctl is-system-running 2>/dev/null) || true
    [[ $state != @(running|degraded) ]] || return 0
    sleep 0.3
  done
  die 'the system did not come up'
}

phase() {
  local start=$SECONDS
  inside /bin/bash /shared/inside.sh "$1"
  echo "== $1: $((SECONDS - start)) s"
}

# A host without systemd.
with_cron() {
  exec systemd-nspawn --quiet -D "$root-cron" --register=no --keep-unit --private-network \
    --machine="$machine-cron" --bind="$work/shared:/shared" --as-pid2 \
    /bin/bash /shared/inside.sh cron </dev/null >"$work/cron.log" 2>&1
}

[ "$(id -u)" = 0 ] || die 'only root can boot a container'
mkdir -p "$work"
: >"$console"
rm -rf "$root" "$root-cron" "$work/shared"
mkdir "$work/shared"
trap end EXIT

packages=(.build/openvpn-quota_*.deb)
[ "${#packages[@]}" = 1 ] || die "one package is wanted below .build, there are ${#packages[@]}: make deb"
cp "${packages[0]}" "$work/shared/new.deb"
if [ -n "$release" ]; then
  cp "$work/shared/new.deb" "$work/shared/previous.deb"
else
  .ci/deb 0.0.1-1 "$work" >/dev/null
  mv "$work"/openvpn-quota_0.0.1-1_*.deb "$work/shared/previous.deb"
fi
cp "$here"/*.sh "$work/shared/"
mkdir "$work/shared/checkout"
cp -a --parents Makefile .ci config cron.d docs man Tests/demo .build/programs "$work/shared/checkout"

make_root
if [ -n "$release" ]; then
  boot
  wait_for_boot
  for step in install serve debian-unit purge checkout; do phase "$step"; done
  echo "all of it came true on $release in $SECONDS s"
  exit
fi
with_cron &
cron=$!
containers+=("$cron")
boot
wait_for_boot
for step in install upgrade serve interval hang debian-unit fence; do phase "$step"; done
# Under --keep-unit a reboot ends systemd-nspawn, for its manager to start it again.
inside systemctl reboot || true
wait "$nspawn" || true
boot
wait_for_boot
for step in reboot wrong-places purge checkout; do phase "$step"; done
if ! wait "$cron"; then
  cat "$work/cron.log"
  die 'cron did not do the work'
fi
sed 's/^/cron: /' "$work/cron.log"
echo "all of it came true in $SECONDS s"
