#!/bin/bash
curl -fsSL https://deb.example.org/setup_20.x -o nodesource_setup.sh
bash nodesource_setup.sh
apt-get install -y nodejs
