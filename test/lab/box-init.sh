#!/bin/sh
# First process of a host in a box: makes the host's own root folder the root of everything in its namespaces, then waits.
# Runs inside fresh mount, pid, network, ipc and uts namespaces; the arguments are
#   1 the host's root folder    2 its host name    3 a disk image to keep /home and /var/lib/docker on, or -
set -eu
root=$1
name=$2
disk=$3

hostname "$name"
ip link set lo up
mount --bind "$root" "$root"
cd "$root"

mount --bind /usr usr
mount -o remount,bind,ro usr
for folder in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$folder" ]; then
    [ -L "$folder" ] || ln -s "$(readlink "/$folder")" "$folder"
  elif [ -d "/$folder" ]; then
    mkdir -p "$folder"
    mount --bind "/$folder" "$folder"
  fi
done
mount --rbind /sys sys
mount --rbind /dev dev
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount --bind dev/pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=1777 tmpfs tmp
if [ "$disk" != "-" ]; then
  mount -o loop,discard "$disk" disk
  rm -f disk/filler
  mkdir -p disk/home disk/docker
  mount --bind disk/home home
  mount --bind disk/docker var/lib/docker
fi
mount -t proc proc proc
mkdir -p .outside
pivot_root . .outside
cd /
umount -l /.outside
rmdir /.outside
: > /run/box-ready
# The kernel buries the dead children of a first process that ignores SIGCHLD.
exec env --ignore-signal=CHLD sleep infinity
