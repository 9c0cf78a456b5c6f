// Prepares a checkout for the demo and the tests: installs the dependencies in the lock file, then builds.
// --packages: only the packages, without the tests. --install: install only, do not build.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { pnpm, readJson, root } from './packages.mjs'

const { packageManager, engines } = readJson(`${root}package.json`)
const [pnpmVersion] = packageManager.split('+')
const prismaSchemas = ['postgres', 'mysql'].map((name) => `test/examples/prisma/${name}.prisma`)
const oldest = engines.node.replace('>=', '')

if (compareVersions(process.versions.node, oldest) < 0) {
  console.error(`rds-iam needs Node ${oldest} or later; this is ${process.versions.node}`)
  process.exit(1)
}
install()
if (process.argv.includes('--install')) process.exit()
run('node_modules/typescript/bin/tsc', '-b')
run('scripts/bundle.mjs')

function install() {
  const frozen = ['install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn']
  if (process.argv.includes('--packages')) {
    pnpm([...frozen, '--filter', '.', '--filter', './packages/*'])
    return
  }
  const stamp = `${root}node_modules/.installed`
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', ...prismaSchemas]) hash.update(readFileSync(root + file))
  const wanted = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.error(`Installing dependencies with ${pnpmVersion} …`)
  pnpm(frozen)
  // Generate Prisma's clients. This does not need its engine: set any program, so that Prisma does not download one.
  process.env['PRISMA_SCHEMA_ENGINE_BINARY'] = process.execPath
  process.env['CHECKPOINT_DISABLE'] = '1'
  for (const schema of prismaSchemas)
    run('test/node_modules/prisma/build/index.js', 'generate', '--no-hints', '--schema', schema)
  writeFileSync(stamp, wanted)
}

function run(...program) {
  const { status } = spawnSync(process.execPath, program, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) process.exit(status ?? 1)
}

function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return (left[i] ?? 0) - (right[i] ?? 0)
  return 0
}
