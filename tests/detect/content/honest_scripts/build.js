const { execSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const out = path.join(__dirname, 'dist');
fs.rmSync(out, { recursive: true, force: true });
execSync('npx tsc -p tsconfig.json', { stdio: 'inherit' });
const hash = execSync('git rev-parse --short HEAD').toString().trim();
fs.writeFileSync(path.join(out, 'version.json'), JSON.stringify({ hash, built: new Date().toISOString() }));
