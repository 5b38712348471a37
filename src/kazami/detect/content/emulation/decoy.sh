#!/bin/sh
# Stands for programs that need a network or more rights than there are. What is fetched is a script that does nothing.
me=${0##*/}
out= url=
case $me in
sudo) while [ "${1#-}" != "$1" ]; do shift; done; exec "$@" ;;
curl | wget) ;;
*) exit 0 ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
  -o | --output) out=$2; [ "$me" = curl ] && shift ;;
  -O) if [ "$me" = wget ]; then out=$2; shift; else out=name; fi ;;
  -*O) [ "$me" = wget ] && { out=$2; shift; } || out=name ;;
  -*o) [ "$me" = curl ] && { out=$2; shift; } ;;
  -*) ;;
  *://*) url=$1 ;;
  esac
  shift
done
last=${url##*/}
[ "$me" = wget ] && [ -z "$out" ] && out=name
[ "$out" = name ] && out=${last:-index.html}
if [ -n "$out" ] && [ "$out" != - ]; then
  printf '#!/bin/sh\nexit 0\n' > "$out"
else
  printf '#!/bin/sh\nexit 0\n'
fi
