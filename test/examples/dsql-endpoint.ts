import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { dsqlClient, signDsql } from '../local/dsql-client'
import { DSQL_ENDPOINT } from '../contract/endpoint-options'

/** A program that runs migrations. */
interface Migrations {
  program: string
  /** The output after a successful run. */
  output: string
  /** The table that contains its lock. */
  lock: string
  /** The output when another process holds the lock. */
  locked: string
}

/** A local endpoint of Aurora DSQL for the tests of a file. Its tables are dropped after each. */
export class DsqlEndpoint {
  readonly #folder = mkdtempSync(join(tmpdir(), 'rds-iam-dsql-'))
  #rds!: LocalRds
  #admin!: pg.Client

  constructor() {
    beforeAll(async () => {
      this.#rds = await startLocalRds({ engine: 'dsql', endpoints: [DSQL_ENDPOINT, 'localhost'] })
      this.#admin = await dsqlClient(this.#rds, { user: 'admin' })
      writeFileSync(join(this.#folder, 'ca.pem'), this.#rds.ca)
      writeFileSync(join(this.#folder, 'hosts.json'), JSON.stringify({ [DSQL_ENDPOINT]: '127.0.0.1' }))
    })
    afterEach(async () => {
      const tables = `select tablename as name from pg_tables where schemaname = 'public'`
      for (const { name } of await this.query<{ name: string }>(tables))
        await this.query(`drop table ${name}`)
    })
    afterAll(async () => {
      await this.#admin.end()
      await this.#rds.close()
      rmSync(this.#folder, { recursive: true })
    })
  }

  /** The options to log in as admin. */
  get login() {
    const { port, database, ca } = this.#rds
    const password = () => signDsql(this.#rds, 'admin')
    return { host: 'localhost', port, user: 'admin', database, ssl: { ca }, password }
  }

  /** Runs a statement as admin. */
  async query<T extends pg.QueryResultRow>(sql: string): Promise<T[]> {
    return (await this.#admin.query<T>(sql)).rows
  }

  /**
   * Tests that a program of this folder runs its migrations of a table `orders` once, and none while the lock is held.
   */
  async expectMigrations({ program, output, lock, locked }: Migrations): Promise<void> {
    expect(await this.run(program)).toEqual({ code: 0, output })
    await this.query(`insert into orders (item) values ('book')`)
    expect(await this.run(program)).toEqual({ code: 0, output: '' })
    await this.query(`update ${lock} set is_locked = 1`)
    const refused = { code: 1, output: expect.stringContaining(locked) }
    expect(await this.run(program)).toEqual(refused)
    expect(await this.query(`select is_locked from ${lock}`)).toEqual([{ is_locked: 1 }])
  }

  /** Lets the next transactions that write fail with a conflict. */
  failTransactions(conflicts: number): Promise<void> {
    return this.#rds.configure({ conflicts })
  }

  /** Number of conflicts that are left. */
  get conflicts(): number {
    return this.#rds.configuration.conflicts ?? 0
  }

  /** Runs a program of this folder. The program dials the endpoint by the name of a cluster. */
  async run(program: string): Promise<{ code: number; output: string }> {
    const own = Object.entries(process.env).filter(([key]) => !/^(AWS|PG|NODE)_?/.test(key))
    const hosts = fileURLToPath(new URL('../support/hosts.cjs', import.meta.url))
    const child = spawn(process.execPath, ['--require', hosts, '--import', 'tsx', `examples/${program}`], {
      cwd: new URL('../', import.meta.url),
      env: {
        ...Object.fromEntries(own),
        ...this.#rds.env,
        NODE_EXTRA_CA_CERTS: join(this.#folder, 'ca.pem'),
        TEST_HOSTS: join(this.#folder, 'hosts.json'),
        DB_HOST: DSQL_ENDPOINT,
        PGPORT: `${this.#rds.port}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
    const [code] = (await once(child, 'close')) as [number]
    return { code, output }
  }
}
