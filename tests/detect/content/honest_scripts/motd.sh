#!/bin/bash
ART="ICBfX18KIC8gICBcCiB8IG8gfAogXF9fXy8KV2VsY29tZSB0byB0aGUgc2VydmVyLCBwbGVhc2UgbG9nIG91dCB3aGVuIGRvbmUuCg=="
echo "$ART" | base64 -d
printf '\033[1;32m%s\033[0m\n' "load: $(cut -d' ' -f1 /proc/loadavg)"
