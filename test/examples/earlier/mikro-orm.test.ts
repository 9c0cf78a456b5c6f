import { MikroORM, type Options } from '@mikro-orm/postgresql'
import { pgConfig } from '@rds-iam/core/pg'
import { expect } from 'vitest'
import type { LoginOptions } from '../../contract/adapter'
import { testAdapter } from '../../contract/contract'
import { mikroOrm, replicatedMikroOrm } from '../../contract/mikro-orm'
import { testReplication } from '../../contract/replication'
import { testExample } from '../run-example'

// MikroORM refuses to start when the package.json of the current folder names another version.
process.env['MIKRO_ORM_ALLOW_VERSION_MISMATCH'] = '1'

testExample('earlier/mikro-orm', ['postgres', 'mysql'], ({ output, logins }) => {
  // A date stays text only if MikroORM's own options for pg stay beside ours.
  expect(output).toContain("day: '2026-01-31'")
  expect(logins.postgres.length).toBeGreaterThan(1)
})

const open = (options: Options) => MikroORM.initSync(options)

function configure(options: LoginOptions) {
  const { password, ...connection } = pgConfig(options)
  return {
    connection: { ...connection, password: () => ({ password }) },
    // knex prints a warning when a server closes a connection.
    log: { warn() {} },
  }
}

testAdapter('MikroORM 6 with PostgreSQL', mikroOrm('postgres', open, configure))
testReplication('MikroORM 6 with PostgreSQL', replicatedMikroOrm('postgres', open, configure))
