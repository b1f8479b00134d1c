#!/usr/bin/env bash
# A Ceph object gateway with its own STS, on loopback: one monitor, one store in memory, one gateway.
#   ceph.sh install                      installs the Debian packages (apt), where they are missing
#   ceph.sh start FOLDER PORT PORT PORT  starts it: the gateway's port, and two of the monitor's
#   ceph.sh stop FOLDER                  ends what was started in FOLDER
set -euo pipefail

packages="ceph-mon ceph-osd radosgw ceph-common"

install() {
  command -v radosgw >/dev/null && command -v ceph-mon >/dev/null && command -v ceph-osd >/dev/null && return
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
}

configuration() {
  cat <<EOF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$monitor,v1:127.0.0.1:$older]
mon initial members = a
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $folder/keyring
auth allow insecure global id reclaim = false
mon data avail crit = 1
mon data avail warn = 1
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
run dir = $folder/run
admin socket = $folder/run/\$name.asok
log file = $folder/log/\$name.log
pid file = $folder/run/\$name.pid
ms bind ipv6 = false
setuser match path =
[mon.a]
mon data = $folder/mon
host = $(hostname)
[osd.0]
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd max object name len = 256
osd max object namespace len = 64
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw sts key = abcdefghijklmnop
rgw s3 auth use sts = true
rgw thread pool size = 32
rgw data = $folder/rgw
rgw dynamic resharding = false
rgw override bucket index max shards = 1
EOF
}

start() {
  mkdir -p "$folder"/{mon,osd,rgw,run,log}
  configuration >"$folder/ceph.conf"
  export CEPH_CONF="$folder/ceph.conf"
  ceph-authtool --create-keyring "$folder/keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$folder/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  ceph-authtool "$folder/keyring" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx' --cap mgr 'allow rw'
  ceph-authtool "$folder/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow *'
  monmaptool --create --addv a "[v2:127.0.0.1:$monitor,v1:127.0.0.1:$older]" \
    --fsid "$(sed -n 's/^fsid = //p' "$folder/ceph.conf")" "$folder/monmap"
  ceph-mon --mkfs -i a --monmap "$folder/monmap" --keyring "$folder/keyring"
  ceph-mon -i a
  for _ in $(seq 100); do timeout 5 ceph -s >/dev/null 2>&1 && break; sleep 0.2; done
  local id
  id=$(cat /proc/sys/kernel/random/uuid)
  ceph osd new "$id" 0
  ceph auth import -i "$folder/keyring"
  ceph-osd -i 0 --mkfs --osd-uuid "$id"
  ceph-osd -i 0
  for _ in $(seq 100); do ceph osd stat 2>/dev/null | grep -q '1 up' && break; sleep 0.2; done
  radosgw -n client.rgw
  for _ in $(seq 300); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
  radosgw-admin user create --uid=vendor --display-name=vendor --access-key="$CEPH_KEY" --secret-key="$CEPH_SECRET" \
    --caps='roles=*;oidc-provider=*;user-policy=*'
}

stop() {
  for file in "$folder"/run/*.pid; do
    [ -f "$file" ] && kill "$(cat "$file")" 2>/dev/null || true
  done
}

action=$1 folder=${2:-} port=${3:-0} monitor=${4:-0} older=${5:-0}
"$action"
