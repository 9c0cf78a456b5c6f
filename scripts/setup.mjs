// Brings a checkout to where demo and tests can run: installs what the lock file names, then builds.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { packageManager, engines } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const oldest = engines.node.replace('>=', '')

if (compareVersions(process.versions.node, oldest) < 0) {
  console.error(`rds-iam needs Node ${oldest} or later; this is ${process.versions.node}`)
  process.exit(1)
}
install()
run(process.execPath, ['node_modules/typescript/bin/tsc', '-b'])
run(process.execPath, ['scripts/bundle.mjs'])

function install() {
  const stamp = `${root}node_modules/.installed`
  const wanted = createHash('sha256')
    .update(readFileSync(`${root}pnpm-lock.yaml`))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.error(`Installing dependencies with ${packageManager} …`)
  const install = ['install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn']
  const npm = process.env.npm_execpath
  if (npm) run(process.execPath, [npm, 'exec', '--yes', '--', packageManager, ...install])
  else run('npx', ['--yes', packageManager, ...install])
  writeFileSync(stamp, wanted)
}

function run(command, args) {
  const shell = process.platform === 'win32' && command === 'npx'
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell,
    env: { ...process.env, CI: 'true', npm_config_loglevel: 'error' },
  })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return (left[i] ?? 0) - (right[i] ?? 0)
  return 0
}
