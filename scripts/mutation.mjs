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
    tests: 'core/{address,dsql-options,endpoint,iam-options,options,region}',
  },
  token: {
    mutate: ['packages/core/src/token/{refreshing-value,sign,tokens}.ts'],
    tests: 'core/{refreshing-value,renewal,token}',
  },
  cluster: {
    mutate: [
      'packages/core/src/cluster/{cluster-names,failures,instances,is-within,mysql-packets,read-only}.ts',
    ],
    tests: 'failover/{cluster,mysql-packets,server-answers}',
  },
  dsql: {
    mutate: [
      'packages/core/src/retry-conflicts.ts',
      'packages/core/src/login/dsql-lifetime.ts',
      'packages/local/src/dsql/{statements,transaction}.ts',
    ],
    tests: '{core/{dsql-options,retry-conflicts},local/dsql-statements}',
  },
  iam: { mutate: ['packages/local/src/iam/*.ts'], tests: 'local/{identities,verify-token}' },
  doctor: {
    mutate: ['packages/cli/src/doctor/checks/*.ts', 'packages/cli/src/doctor/finding.ts'],
    tests: 'cli/checks',
  },
}

const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !Object.hasOwn(parts, name))
if (unknown !== undefined) {
  console.error(`there is no part ${unknown}: use ${Object.keys(parts).join(', ')}`)
  process.exit(1)
}
for (const [name, { mutate, tests }] of Object.entries(parts)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  console.log(`\n— mutations of ${name}`)
  const stryker = `${root}node_modules/@stryker-mutator/core/bin/stryker.js`
  // Commas separate the patterns: write one for each alternative in braces.
  const patterns = mutate.flatMap(expandBraces).join(',')
  const { status } = spawnSync(
    process.execPath,
    [stryker, 'run', 'test/stryker.config.json', '--mutate', patterns],
    {
      cwd: root,
      stdio: 'inherit',
      // Stryker's own option for this, --testFiles, does not activate mutants of code that runs at import.
      env: { ...process.env, UNIT_TESTS: `${tests}.unit.test.ts` },
    },
  )
  if (status !== 0) process.exitCode = 1
}

function expandBraces(pattern) {
  const [, before, names, after] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? []
  return names === undefined ? [pattern] : names.split(',').map((name) => before + name + after)
}
