// Runs the mutation tests of pure code, with the unit tests. Arguments: the parts to run. Default: all.
import { spawnSync } from 'node:child_process'
import { root } from './packages.mjs'

/** Each part is tested by its own unit tests, so that a mutant does not run all of them. */
const parts = {
  options: {
    mutate: [
      'packages/core/src/{address,iam-options}.ts',
      'packages/core/src/endpoint/{parse-endpoint,region}.ts',
      'packages/core/src/login/login-options.ts',
      'packages/core/src/tls/ssl-option.ts',
    ],
    testFiles: ['test/core/{address,endpoint,iam-options,options,region}.unit.test.ts'],
  },
  token: {
    mutate: ['packages/core/src/token/{refreshing-value,tokens}.ts'],
    testFiles: ['test/core/{renewal,token}.unit.test.ts'],
  },
  iam: { mutate: ['packages/local/src/iam/*.ts'], testFiles: ['test/local/*.unit.test.ts'] },
  doctor: {
    mutate: ['packages/cli/src/doctor/checks/*.ts', 'packages/cli/src/doctor/finding.ts'],
    testFiles: ['test/cli/*.unit.test.ts'],
  },
}

const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !Object.hasOwn(parts, name))
if (unknown !== undefined) {
  console.error(`there is no part ${unknown}: use ${Object.keys(parts).join(', ')}`)
  process.exit(1)
}
for (const [name, { mutate, testFiles }] of Object.entries(parts)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  console.log(`\n— mutations of ${name}`)
  const stryker = `${root}node_modules/@stryker-mutator/core/bin/stryker.js`
  // Commas separate the patterns: write one for each alternative in braces.
  const patterns = (list) => list.flatMap(expandBraces).join(',')
  const args = [
    'run',
    'test/stryker.config.json',
    '--mutate',
    patterns(mutate),
    '--testFiles',
    patterns(testFiles),
  ]
  const { status } = spawnSync(process.execPath, [stryker, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}

function expandBraces(pattern) {
  const [, before, names, after] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? []
  return names === undefined ? [pattern] : names.split(',').map((name) => before + name + after)
}
