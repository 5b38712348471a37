#!/bin/bash
# nightly
set -o pipefail
DEST=/backup/$(date +%F)
mkdir -p "$DEST"
for db in $(mysql -N -e 'show databases' | grep -Ev '^(information|performance)_schema$'); do
  mysqldump --single-transaction "$db" | gzip -9 > "$DEST/$db.sql.gz" || { echo "failed $db" | mail -s backup ops@example.org; continue; }
done
find /backup -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -rf {} +
ssh backup@192.0.2.20 "mkdir -p /srv/$HOSTNAME" && rsync -a --delete "$DEST/" backup@192.0.2.20:"/srv/$HOSTNAME/"
eval "$(ssh-agent -s)"
