#!/bin/bash
# One phase of the system test, run in the container. usage: inside.sh PHASE
set -euo pipefail
export LC_ALL=C
# shellcheck source-path=SCRIPTDIR source=network.sh
. /shared/network.sh
log=/var/log/openvpn/traffic_monitor.log

# Says something and runs the test of whether it is so; what it said is shown where it failed.
claim() {
  local text=$1
  shift
  if "$@" >/tmp/said 2>&1; then
    echo "   [ok] $text"
  else
    echo "   [FAILED] $text: $*" >&2
    cat /tmp/said >&2
    tail -n 12 "$log" >&2 || true
    journalctl -q --no-pager -n 20 -u 'quota-*' >&2 || true
    exit 1
  fi
}

# Looks again for so many seconds, until a command succeeds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || { "$@"; return; }
    sleep 0.2
  done
}

not() { ! "$@"; }
is() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
has() { grep -qE "$1" <<<"$2" || { echo "no $1 in: $2"; return 1; }; }
property() { systemctl show -P "$2" "$1"; }
is_property() { is "$(property "$1" "$2")" "$3"; }
sweeps() { grep -c ' info quota-sweep: swept ' "$log" || true; }
has_swept() { [ "$(sweeps)" -ge "$1" ]; }
stat_is() { is "$(stat -c '%a %U:%G' "$1")" "$2"; }
used() { quota-admin show "$1" --json | sed -n 's/.*"bytes_used":\([0-9]*\).*/\1/p'; }
between() {
  echo "$3, wanted is from $1 to $2"
  [ "$3" -gt "$1" ] && [ "$3" -lt "$2" ]
}
runs() { systemctl is-active --quiet "$1"; }

phase_install() {
  local said
  said=$(dpkg -i /shared/previous.deb 2>&1)
  claim 'the package installs' dpkg -s openvpn-quota
  claim 'and says what is next' has 'next: quota-admin setup SERVER' "$said"
  claim 'in two lines' is "$(grep -c '^openvpn-quota: ' <<<"$said")" 2
  claim 'the timers run' runs quota-sweep.timer
  claim 'rotation has its timer too' runs quota-rotate.timer
  claim 'cron has nothing of ours to log every minute' not test -e /etc/cron.d/openvpn-quota
  claim 'only the account writes in its directory' stat_is /var/lib/openvpn-quota '2750 openvpn-quota:openvpn-quota'
  claim 'the place of the sockets is shared by the group' stat_is /run/openvpn-quota '2770 root:openvpn-quota'
  claim 'the log is there for the group to read' stat_is "$log" '640 openvpn-quota:openvpn-quota'
  claim 'only the group reads the settings' stat_is /etc/openvpn-quota/quota.conf '640 root:openvpn-quota'
  claim 'the first sweep has made the database' within 60 test -s /var/lib/openvpn-quota/quota.db
  claim 'it is the account'"'"'s alone' stat_is /var/lib/openvpn-quota/quota.db '600 openvpn-quota:openvpn-quota'
  claim 'the hooks may read the access table' within 60 stat_is /var/lib/openvpn-quota/access '640 openvpn-quota:openvpn-quota'
  claim 'and append to the journal' stat_is /var/lib/openvpn-quota/journal '660 openvpn-quota:openvpn-quota'
  quota-admin add alice --quota 2MiB >/dev/null
  quota-admin add bob >/dev/null
  sed -i 's/^#MONITOR_INTERVAL=.*/MONITOR_INTERVAL=30/' /etc/openvpn-quota/quota.conf
}

phase_upgrade() {
  claim 'a later package installs over it' dpkg -i --force-confold /shared/new.deb
  claim 'the users are kept' quota-admin show alice
  claim 'edited settings are kept' grep -q '^MONITOR_INTERVAL=30' /etc/openvpn-quota/quota.conf
  claim 'they are still closed to others' stat_is /etc/openvpn-quota/quota.conf '640 root:openvpn-quota'
  claim 'the timer still runs' runs quota-sweep.timer
  claim 'it has the interval of the settings' has '{ OnUnitActiveUSec=30s' "$(property quota-sweep.timer TimersMonotonic)"
  claim 'the units are what systemd would have' has '^$' "$(SYSTEMD_UNIT_PATH=/run/systemd/generator: \
    systemd-analyze verify --man=no quota-sweep.service quota-sweep.timer \
    quota-rotate.service quota-rotate.timer quota-notify.service quota-pages.service \
    quota-fence.service quota-fence.path 2>&1 | grep quota)"
}

# A server that runs already, as it comes from anywhere, is set up.
phase_serve() {
  local config=/etc/openvpn/server/server.conf
  make_certificates server alice bob
  server_config 1194 10.99.0 >$config
  cp $config /root/server.conf
  claim "OpenVPN's own unit takes the server" systemctl enable --now openvpn-server@server
  claim 'check names the command that sets it up' has 'quota-admin setup server' "$(quota-admin check || true)"
  claim 'setup asks first' has 'there is no terminal to ask on' "$(quota-admin setup server 2>&1 </dev/null || true)"
  claim 'and changed nothing' cmp $config /root/server.conf
  claim 'setup shows the lines, and what to restart' shows_setup server openvpn-server@server
  claim 'as it was the config is beside it' cmp /root/server.conf /etc/openvpn/server/server.conf.before-setup-*
  local set_up
  set_up=$(md5sum $config)
  claim 'setup once more changes nothing' has 'has all lines already' "$(quota-admin setup --yes server)"
  claim 'to the byte' is "$(md5sum $config)" "$set_up"
  claim 'check knows that it has to be restarted' has '^next: systemctl restart openvpn-server@server$' "$(quota-admin check || true)"
  claim 'restarted it has the hooks' systemctl restart openvpn-server@server
  local before
  before=$(sweeps)
  claim 'alice comes in' connect alice 1194 10.99.0
  claim 'bob comes in' connect bob 1194 10.99.0
  move alice 10.99.0
  move bob 10.99.0
  claim 'the timer sweeps' within 90 has_swept $((before + 1))
  claim 'and again, with nobody asking' within 90 has_swept $((before + 2))
  claim 'alice is told to go and why' within 60 said alice "Halt command was pushed by server ('Traffic quota used up')"
  claim 'the log has it' grep -q ' info quota-sweep: disconnected user=alice server=server' "$log"
  claim 'alice stays out' refused alice 1194
  claim 'the log has that too' within 90 grep -qE ' info quota-(sweep|admin): refused user=alice' "$log"
  claim 'bob noticed nothing' ping_server bob 10.99.0
  local journal
  journal=$(journalctl -u quota-sweep -o short-iso --no-pager)
  claim 'the journal has it' has 'quota-sweep\[[0-9]+\]: disconnected user=alice' "$journal"
  claim 'with one time a line' not has '[0-9]Z (info|warning)' "$journal"
  claim 'with its priority' has 'swept' "$(journalctl -u quota-sweep -p info --no-pager)"
  # systemd itself may complain of the host's control groups.
  claim 'and no complaint' is "$(journalctl -u quota-sweep -t quota-sweep -p warning -q --no-pager)" ''
  claim 'a sweep did well, says systemctl' is_property quota-sweep.service Result success
  claim 'and the notices after it' is_property quota-notify.service Result success
  claim 'and the pages' is_property quota-pages.service Result success
  claim 'quota-admin check finds nothing wrong' quota-admin check
}

# shows_setup NAME UNIT
shows_setup() {
  local said
  said=$(quota-admin setup --yes "$1") || return
  has "^\\+client-connect \"/usr/libexec/openvpn-quota/quota-connect --server $1" "$said" || return
  has "^next: systemctl restart $2," "$said"
}

phase_interval() {
  sed -i 's/^MONITOR_INTERVAL=.*/MONITOR_INTERVAL=60/' /etc/openvpn-quota/quota.conf
  systemctl daemon-reload
  claim 'MONITOR_INTERVAL sets the timer' has '{ OnUnitActiveUSec=1min ' "$(property quota-sweep.timer TimersMonotonic)"
  sed -i 's/^MONITOR_INTERVAL=.*/MONITOR_INTERVAL=soon/' /etc/openvpn-quota/quota.conf
  systemctl daemon-reload
  claim 'nonsense gives 45 s' has '{ OnUnitActiveUSec=45s' "$(property quota-sweep.timer TimersMonotonic)"
  claim 'and a sweep that says what is allowed' not systemctl start quota-sweep
  claim 'which systemctl status shows' has 'MONITOR_INTERVAL is "?soon' "$(systemctl status quota-sweep || true)"
  sed -i 's/^MONITOR_INTERVAL=.*/MONITOR_INTERVAL=30/' /etc/openvpn-quota/quota.conf
  systemctl daemon-reload
  claim 'put right it goes on' systemctl start quota-sweep
}

# The first sweep does not end, deaf to everything but SIGKILL.
phase_hang() {
  claim 'a sweep has a time to end' not is_property quota-sweep.service TimeoutStartUSec infinity
  mkdir -p /run/systemd/system/quota-sweep.service.d
  cat >/run/systemd/system/quota-sweep.service.d/hang.conf <<'END'
[Service]
TimeoutStartSec=3
TimeoutStopSec=1
ExecStart=
ExecStart=/bin/sh -c 'mkdir /run/openvpn-quota/hung || exec quota-sweep; trap "" TERM; while :; do sleep 9; done'
END
  systemctl daemon-reload
  local before
  before=$(sweeps)
  claim 'a sweep that hangs is ended' not systemctl start quota-sweep
  claim 'and systemctl shows why' is_property quota-sweep.service Result timeout
  claim 'the next one runs by itself' within 90 has_swept $((before + 1))
  claim 'and did well' within 60 is_property quota-sweep.service Result success
  rm -r /run/systemd/system/quota-sweep.service.d /run/openvpn-quota/hung
  systemctl daemon-reload
}

# Debian's older unit, with a server that gives up root, and has hooks, a group and a management line of
# its own.
phase_debian-unit() {
  local config=/etc/openvpn/second.conf
  claim "alice's bytes count once, by the hook and the sweep alike" between 4200000 4600000 "$(used alice)"
  # shellcheck disable=SC2016 # the script's own
  printf '#!/bin/sh\necho "$1 $script_type $common_name" >>/run/noted\n' >/etc/openvpn/note.sh
  chmod +x /etc/openvpn/note.sh
  install -m 0666 /dev/null /run/noted
  { server_config 1195 10.98.0
    echo 'management /run/openvpn/own.sock unix'
    echo 'script-security 2 # for greetings'
    echo 'client-connect "/etc/openvpn/note.sh come"'
    echo 'client-disconnect /etc/openvpn/note.sh\ go'
    echo 'user nobody'
    printf 'group nogroup'
  } >$config
  cp $config /root/second.conf
  claim 'setup keeps its scripts' shows_setup second openvpn@second
  claim 'behind ours' grep -q -- '--server second --then /etc/openvpn/note.sh come"' $config
  claim 'and its management line' is "$(grep -c ^management $config)" 1
  claim "Debian's unit takes a server without root" systemctl start openvpn@second
  claim 'alice is refused there too' refused alice 1195
  stop bob
  claim 'bob comes in' connect bob 1195 10.98.0
  local before
  before=$(used bob)
  move bob 10.98.0
  stop bob
  claim 'its own script still greets bob' grep -qx 'come client-connect bob' /run/noted
  claim 'and says good-bye' within 60 grep -qx 'go client-disconnect bob' /run/noted
  claim 'but greets nobody who is refused' not grep -q 'come client-connect alice' /run/noted
  claim 'the hook, as nobody, bills bob in full' within 60 has_moved bob "$before"
  claim "and closes bob's session" within 60 closed_by_hook
  claim 'and once' not has_moved bob $((before + 500000))
  claim 'the sweep has both servers' has '"name":"second"' "$(quota-sweep --json)"
  claim 'the hooks had nothing to complain of' not hooks_complained
}

# OpenVPN passes on what hooks write to standard error.
hooks_complained() { journalctl -b --no-pager -u 'openvpn*' | grep -E 'quota-(dis)?connect: (warning|error)'; }

# Whether no session is open, and hooks have closed some on every server.
closed_by_hook() {
  [ "$(quota-admin list --json | grep -c '"open_sessions":0')" = 2 ] && not has 'no hook closed' "$(quota-admin check)"
}

# What `move` moves, and little more.
has_moved() { [ $(($(used "$1") - $2)) -gt 4200000 ]; }

# With FENCE=yes the kernel cuts between two sweeps; here no timer sweeps, so the path unit does it all.
phase_fence() {
  claim 'setup turns it on' has '^next: systemctl daemon-reload' "$(quota-admin setup --yes --fence server)"
  claim 'in the settings, which stay closed to others' stat_is /etc/openvpn-quota/quota.conf '640 root:openvpn-quota'
  systemctl daemon-reload
  claim 'a sweep begins with it' systemctl start quota-sweep
  claim 'from then on the journal is watched' within 60 runs quota-fence.path
  claim 'in its sandbox it tells the kernel' within 60 holds 'chain refuse'
  claim 'and did well' within 60 is_property quota-fence.service Result success
  claim 'check knows that it stands' has 'ok +fence +the kernel has the table' "$(quota-admin check || true)"
  systemctl stop quota-sweep.timer
  local limit
  limit=$(($(used alice) + 2000000))
  quota-admin set alice --quota "$limit" >/dev/null
  local held
  claim 'alice comes in, and the kernel holds her before any sweep' comes_in_held alice
  echo "   $held"
  move alice 10.99.0 || true
  claim 'nothing passes any more' not ping_server alice 10.99.0
  claim 'a sweep counts' systemctl start quota-sweep
  # What alice sends from then on OpenVPN counts and the kernel drops; without the fence it is 2.3 MB.
  claim 'what ended at the quota' between $((limit - 65536)) $((limit + 1700000)) "$(used alice)"
  claim 'and says why' within 60 said alice "Halt command was pushed by server ('Traffic quota used up')"
  quota-admin set alice --then 1Mbit >/dev/null
  claim 'who is slowed comes in again' comes_in_held alice 'limit r_'
  claim 'a sweep lets it be' systemctl start quota-sweep
  claim 'and packets pass' within 30 ping_server alice 10.99.0
  stop alice
  quota-admin set alice --quota 2MiB --then cut >/dev/null
  systemctl start quota-sweep.timer
  claim 'the fence had nothing to complain of' is "$(journalctl -b -t quota-fence -p warning -q --no-pager)" ''
}

# holds TEXT: whether the kernel's table has it.
holds() { has "$1" "$(nft list table inet openvpn_quota)"; }

# comes_in_held NAME [TEXT]: the client connects and is in the kernel's table. The path unit may miss what
# is written in the moment in which its service ends: then another connect does.
comes_in_held() {
  local start try
  for try in 1 2 3; do
    connect "$1" 1194 10.99.0 || return
    start=$SECONDS
    if within 20 holds "${2:-quota u_}" && within 1 holds '10\.99\.0\.'; then
      held="held $((SECONDS - start)) s after connect $try"
      return
    fi
  done
  return 1
}

phase_reboot() {
  claim 'after a boot the timer runs' runs quota-sweep.timer
  claim 'the access table was published' is_property quota-publish.service Result success
  claim 'before OpenVPN started' published_first
  claim 'the place of the sockets is there' stat_is /run/openvpn-quota '2770 root:openvpn-quota'
  claim 'the server is up' within 60 runs openvpn-server@server
  claim 'the usage is kept' test "$(used alice)" -gt 2097152
  local before
  before=$(sweeps)
  claim 'the timer sweeps' within 90 has_swept $((before + 1))
  make_network
  claim 'the kernel is told again' within 60 holds 'chain refuse'
  claim 'alice still stays out' refused alice 1194
  claim 'bob comes in' connect bob 1194 10.99.0
  stop bob
  claim 'rotation does its work' systemctl start quota-rotate
  echo 'MAX_LOG_SIZE=4096' >>/etc/openvpn-quota/quota.conf
  seq 2000 >>"$log"
  claim 'and puts a large log aside' systemctl start quota-rotate
  claim 'for an empty one of the same owner' stat_is "$log" '640 openvpn-quota:openvpn-quota'
  claim 'in which the sweep goes on' systemctl start quota-sweep
  claim 'so that no complaint is in the journal' is "$(journalctl -b -u quota-sweep -u quota-rotate -p warning -q --no-pager)" ''
  claim 'and the lines are in the new log' grep -q 'quota-sweep: swept' "$log"
}

# Whether the table was published at this boot before the server was started.
published_first() {
  local published started
  published=$(property quota-publish.service ExecMainExitTimestampMonotonic)
  started=$(property openvpn-server@server ExecMainStartTimestampMonotonic)
  between 0 "$started" "$published"
}

hooks=/usr/libexec/openvpn-quota

# Runs a program, which has to end with one of these statuses and say why in our voice.
complains() {
  local statuses=$1 status=0 said
  shift
  said=$("$@" 2>&1 >/dev/null) || status=$?
  [[ " $statuses " == *" $status "* ]] || { echo "status $status: $said"; return 1; }
  has '^quota-[a-z]+: (error|warning): [A-Za-z/]' "$said" || return
  not has '(Fatal|SwiftShims|Stack dump|Backtrace)' "$said"
}

hook_of() {
  env -i script_type="client-$1" common_name="$2" daemon_pid=4711 time_unix=1795000000 \
    ifconfig_pool_remote_ip=10.97.0.2 trusted_ip=192.0.2.1 trusted_port=1194 bytes_received=1000 \
    bytes_sent=1000 time_duration=60 "$hooks/quota-$1" "${@:3}"
}

# Each program where it cannot do its work; PREFIX... puts it there.
each_complains() {
  complains '65 69 73 74 77' "$@" quota-sweep || return
  complains '73 74 77' "$@" quota-rotate --force || return
  complains '65 73 74 77' "$@" quota-admin add carol || return
  complains '0' "$@" /bin/bash /shared/inside.sh hook disconnect bob
}

as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }

# With the places of the database and the log read-only, for this program alone.
read_only() {
  # shellcheck disable=SC2016
  unshare -m sh -c 'for place in /var/lib/openvpn-quota /var/log/openvpn; do
    mount --bind "$place" "$place" && mount -o remount,bind,ro "$place" || exit 99; done; exec "$@"' sh "$@"
}

phase_hook() { hook_of "$@"; }

phase_wrong-places() {
  local known
  known=$(quota-admin list)
  claim 'the wrong user is told so by each program' each_complains as_nobody
  claim 'the door says what it cannot tell, and ON_ERROR lets in' complains 0 as_nobody \
    /bin/bash /shared/inside.sh hook connect bob
  claim 'on a read-only file system each program says so' each_complains read_only
  claim 'the door decides all the same' complains 1 read_only /bin/bash /shared/inside.sh hook connect alice
  claim 'nothing was damaged' is "$(quota-admin list)" "$known"

  local place=/srv/full
  mkdir -p $place
  mount -t tmpfs -o size=512k,mode=2750,uid=openvpn-quota,gid=openvpn-quota tmpfs $place
  export QUOTA_CONFIG=$place/quota.conf
  printf 'DATABASE=%s/quota.db\nLOG_FILE=%s/log\nOPENVPN_CONFIGS=\n' $place $place >$QUOTA_CONFIG
  quota-admin add alice --quota 1MB >/dev/null
  known=$(quota-admin list)
  dd if=/dev/zero of=$place/filler bs=4k 2>/dev/null || true
  claim 'a sweep on a full disk goes on as far as it can, and says so' complains '0 74' quota-sweep
  claim 'rotation says so' complains '74' quota-rotate --force
  claim 'an administrator is told' complains '74' quota-admin add carol
  # Up to the end of its last page the journal has room on any disk.
  yes '' | head -c 8192 >>$place/journal 2>/dev/null || true
  claim 'a hook that can keep nothing says so' complains 0 hook_of disconnect alice --config $QUOTA_CONFIG
  claim 'the door still knows whom it lets in' complains 0 hook_of connect alice --config $QUOTA_CONFIG
  rm $place/filler
  claim 'with room again nothing was damaged' is "$(quota-admin list)" "$known"
  claim 'and all goes on' quota-sweep
  claim 'the database is whole' has 'ok +database .* is whole' "$(quota-admin check || true)"
  unset QUOTA_CONFIG
  umount $place
}

phase_purge() {
  claim 'removal refuses while a config names the hooks' not dpkg -r openvpn-quota
  claim 'and says how to go on' has 'hint: quota-admin teardown /etc/openvpn/server/server.conf' "$(dpkg -r openvpn-quota 2>&1 || true)"
  claim 'nothing was stopped' runs quota-sweep.timer
  local name
  for name in server second; do quota-admin teardown --yes $name >/dev/null; done
  claim 'teardown gives a config back to the byte' cmp /root/server.conf /etc/openvpn/server/server.conf
  claim 'and one with scripts, a group and a socket of its own' cmp /root/second.conf /etc/openvpn/second.conf
  claim 'teardown once more changes nothing' has 'has no line of ours' "$(quota-admin teardown second)"
  rm /etc/openvpn/*.before-* /etc/openvpn/server/*.before-*
  claim 'now the package goes' dpkg -r openvpn-quota
  claim 'the kernel holds nobody' not nft list table inet openvpn_quota
  claim 'the data stay' test -s /var/lib/openvpn-quota/quota.db
  claim 'the timers are gone' not runs quota-sweep.timer
  claim 'the package purges' dpkg -P openvpn-quota
  claim 'nothing is left' is "$(find / -xdev \( -path /proc -o -path /sys -o -path /shared \) -prune \
    -o \( -name '*openvpn-quota*' -o -name 'quota-*' -o -name 'traffic_monitor*' \) -print)" ''
  claim 'no user and no group' not grep openvpn-quota /etc/passwd /etc/group /etc/shadow /etc/gshadow
  claim "OpenVPN's own directory stays" test -d /var/log/openvpn
  claim 'the server restarts' systemctl restart openvpn-server@server
  claim 'and lets alice in again' connect alice 1194 10.99.0
  claim 'who reaches it' ping_server alice 10.99.0
  claim 'the other one restarts too' systemctl restart openvpn@second
  stop bob
  # Its script runs as nobody, and a reboot has emptied /run.
  install -m 0666 /dev/null /run/noted
  claim 'and lets bob in' connect bob 1195 10.98.0
  claim 'by its own script' is "$(cat /run/noted)" 'come client-connect bob'
}

# What a user with sudo does with a checkout. Their toolchain, which is for show, is not in sudo's
# secure_path, and what the build would have made is there already.
phase_checkout() {
  local checkout=/home/ann/checkout config=/etc/openvpn/server/server.conf
  useradd -m -s /bin/bash ann
  echo 'ann ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann
  cp -r /shared/checkout $checkout
  mkdir /home/ann/toolchain
  # shellcheck disable=SC2016 # the scripts' own
  printf '#!/bin/sh\necho Swift, for show\n' >/home/ann/toolchain/swift
  printf '#!/bin/sh\n' >$checkout/.ci/packages
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nswift --version && id -un >>.build/built-by\n' >$checkout/.ci/build
  chmod +x /home/ann/toolchain/* $checkout/.ci/build
  # shellcheck disable=SC2016
  echo 'PATH=$PATH:/home/ann/toolchain' >/home/ann/.profile
  # Where only root may look; what is named so all the same is looked for by sudo.
  chmod 0700 /etc/openvpn/server
  chown -R ann: /home/ann
  claim 'swift is not in the PATH that sudo gives' not as_ann sudo sh -c 'command -v swift'
  claim 'make demo is told to a user by the simulator' demo_is 'the bundled simulator' make demo
  claim 'and to one with sudo on a real OpenVPN' demo_is 'on OpenVPN 2' sudo make demo
  claim 'the user built both' is "$(sort -u $checkout/.build/built-by)" ann
  claim 'deploy says first that a server is not there' has 'no config of a server servr' "$(as_ann make deploy SERVER=servr 2>&1 || true)"
  claim 'make deploy installs, sets up and checks' deploys
  chmod 0755 /etc/openvpn/server
  claim 'a timer runs' runs quota-sweep.timer
  claim 'cron has nothing of ours to log every minute' not test -e /etc/cron.d/openvpn-quota
  claim 'the hooks are where they were installed' grep -q '^client-connect "/usr/local/libexec/openvpn-quota/' $config
  claim 'deploy once more changes nothing' has 'has all lines already' "$(as_ann make deploy SERVER=server)"
  claim 'restarted it has the hooks' systemctl restart openvpn-server@server
  /usr/local/sbin/quota-admin add alice --quota 1MB >/dev/null
  claim 'alice comes in' connect alice 1194 10.99.0
  move alice 10.99.0
  claim 'and is told to go' within 90 said alice "Halt command was pushed by server ('Traffic quota used up')"
  claim 'uninstalling refuses while a config names the hooks' not as_ann sudo make uninstall
  /usr/local/sbin/quota-admin teardown --yes server >/dev/null
  claim 'teardown gives the config back' cmp /root/server.conf $config
  claim 'now it goes' as_ann sudo make uninstall
  claim 'but for settings and data' is "$(find /usr/local /etc -name '*quota*' -type f)" /etc/openvpn-quota/quota.conf
  claim 'the server restarts' systemctl restart openvpn-server@server
  claim 'and lets alice in again' connect alice 1194 10.99.0
}

# A command in a login shell of ann, in her checkout.
as_ann() { su - ann -c 'cd checkout && exec "$@"' -- bash "$@"; }

# demo_is WHERE COMMAND...
demo_is() {
  local said where=$1
  shift
  said=$(as_ann "$@") || return
  has "$where" "$said" && has 'All 10 claims on this page came true' "$said"
}

deploys() {
  local said
  said=$(as_ann make deploy SERVER=server) || return
  has 'installed below /usr/local' "$said" && has '^next: systemctl restart openvpn-server@server' "$said"
}

# A host on which cron does it: every minute, and at the half minute for an interval of 30.
phase_cron() {
  claim 'no systemd runs here' not test -d /run/systemd/system
  claim 'the package installs' dpkg -i /shared/new.deb
  sed -i 's/^#MONITOR_INTERVAL=.*/MONITOR_INTERVAL=30/' /etc/openvpn-quota/quota.conf
  rm -r /run/openvpn-quota
  cron
  claim 'the place of the sockets is made at boot' within 60 stat_is /run/openvpn-quota '2770 root:openvpn-quota'
  claim 'cron sweeps' within 150 has_swept 1
  claim 'and at the half minute' within 150 has_swept 2
  claim 'as the system user' stat_is /var/lib/openvpn-quota/quota.db '600 openvpn-quota:openvpn-quota'
  claim 'the package goes' dpkg -r openvpn-quota
  claim 'and cron has nothing more to do for it' not test -L /etc/cron.d/openvpn-quota
}

"phase_$1" "${@:2}"
