import { describe, expect } from 'vitest'
import { testExample } from './run-example'

describe.each([
  ['postgres', 'production'],
  ['mysql', 'warehouse'],
] as const)('the command of knex with %s', (engine, environment) => {
  const run = (command: string, result: string) =>
    testExample('knexfile', [engine], ({ output }) => expect(output).toContain(result), [
      '--import=tsx',
      'node_modules/knex/bin/cli.js',
      command,
      '--knexfile=examples/knexfile.ts',
      `--env=${environment}`,
    ])
  run('migrate:latest', 'run: 1 migrations')
  run('migrate:status', 'No Pending Migration files Found.')
  run('migrate:rollback', 'rolled back: 1 migrations')
})
