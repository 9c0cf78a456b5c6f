import { createHash } from 'node:crypto'
import { once, type EventEmitter } from 'node:events'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { allClosed } from './closed'
import { dsqlClient, signDsql } from './dsql-client'

let rds: LocalRds
let session: pg.Client

beforeAll(async () => {
  rds = await startLocalRds({ engine: 'dsql' })
  session = await dsqlClient(rds)
  await session.query('create table orders (id int primary key, note text, constraint known check (true))')
})

afterEach(async () => {
  await rds.configure({ conflicts: 0, conflictCode: 'OC000', maxSessionSeconds: 3600 })
  await run('rollback', 'delete from orders')
})

afterAll(async () => {
  await session.end()
  await rds.close()
})

/** Runs statements one after the other. */
async function run(...statements: string[]): Promise<void> {
  for (const statement of statements) await session.query(statement)
}

/** Runs a statement with the extended protocol, which pg uses for a named query. */
const prepared = (text: string, values: unknown[] = []) =>
  session.query({ name: createHash('md5').update(text).digest('hex'), text, values })

const MULTIPLE_DDL = { code: '0A000', message: 'multiple ddl statements not supported in a transaction' }
const MIXED = { code: '0A000', message: 'ddl and dml are not supported in the same transaction' }
const DATA_CONFLICT = { code: '40001', message: 'change conflicts with another transaction (OC000)' }

/** Whether the session has an open transaction: `now()` is the time at which the transaction started. */
async function hasTransaction(): Promise<boolean> {
  const { rows } = await session.query<{ begun: boolean }>('select now() <> statement_timestamp() as begun')
  return rows[0]?.begun === true
}

describe('a transaction', () => {
  test('may have one DDL statement, or several DML statements', async () => {
    await run('begin', 'create table one (id int)', 'commit', 'begin', 'drop table one', 'commit')
    await run('begin', 'insert into orders values (1)', 'update orders set id = 2', 'select 1', 'commit')
    expect((await session.query('select id from orders')).rows).toEqual([{ id: 2 }])
  })

  const two: [string, string, string, object][] = [
    ['two DDL statements', 'create table one (id int)', 'create table two (id int)', MULTIPLE_DDL],
    ['DDL after DML', 'insert into orders values (1)', 'create table one (id int)', MIXED],
    ['DML after DDL', 'create table one (id int)', 'insert into orders values (1)', MIXED],
    [
      'DML in a WITH after DDL',
      'create table one (id int)',
      'with new as (insert into orders values (1) returning id) select * from new',
      MIXED,
    ],
  ]

  test.each(two)('fails for %s, sent one by one', async (_, first, second, error) => {
    await run('begin', first)
    await expect(session.query(second)).rejects.toMatchObject(error)
    await expect(session.query('select 1')).rejects.toMatchObject({ code: '25P02' })
    await expect(session.query('commit')).resolves.toMatchObject({ command: 'ROLLBACK' })
    expect((await session.query('select from orders')).rowCount).toBe(0)
  })

  test.each(two)('fails for %s, as prepared statements', async (_, first, second, error) => {
    await run('begin')
    await prepared(first)
    await expect(prepared(second)).rejects.toMatchObject(error)
    await expect(prepared('select 1')).rejects.toMatchObject({ code: '25P02' })
    await run('rollback')
    await expect(prepared(second)).resolves.toBeDefined()
    await run('drop table if exists one', 'drop table if exists two')
  })

  test.each(two)('fails for %s in one message', async (_, first, second, error) => {
    await expect(session.query(`${first}; ${second}`)).rejects.toMatchObject(error)
    await expect(session.query(`begin; ${first}; ${second}; commit`)).rejects.toMatchObject(error)
    await expect(session.query('select from one')).rejects.toMatchObject({ code: '42P01' })
  })

  test('detects DML that is prepared once and executed again', async () => {
    await prepared('insert into orders values ($1)', [1])
    await run('begin', 'create table one (id int)')
    await expect(prepared('insert into orders values ($1)', [2])).rejects.toMatchObject(MIXED)
    await run('rollback')
    await prepared('insert into orders values ($1)', [2])
  })

  test('of a pipeline without BEGIN ends at each Sync', async () => {
    const sql = postgres({ ...target(), max: 1 })
    await Promise.all([
      sql`insert into orders values (${1})`,
      sql`create table one (id int)`,
      sql`create table two (id int)`,
      sql`drop table one`,
      sql`drop table two`,
    ])
    await expect(
      sql.begin((tx) => [tx`create table one (id int)`, tx`insert into orders values (1)`]),
    ).rejects.toMatchObject(MIXED)
    await sql.end()
  })

  test('that fails in the database can be rolled back', async () => {
    await run('begin')
    await expect(session.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
    await run('rollback', 'create table one (id int)', 'drop table one')
  })

  test('fails with DSQL’s message when another transaction changed the same row', async () => {
    await run('insert into orders values (1)')
    const other = await dsqlClient(rds)
    await other.query('begin')
    await other.query('select from orders')
    await run(`update orders set note = 'first'`)
    await expect(other.query(`update orders set note = 'second'`)).rejects.toMatchObject(DATA_CONFLICT)
    await other.end()
  })
})

/** The postgres.js options to log in. */
function target() {
  const { host, port, user, database, ca } = rds
  return { host, port, user, database, ssl: { ca }, password: () => signDsql(rds, user) }
}

describe('a statement that DSQL does not support', () => {
  test.each([
    ['select pg_advisory_lock(1)', 'function pg_advisory_lock not supported'],
    ['select pg_try_advisory_xact_lock(1)', 'function pg_try_advisory_xact_lock not supported'],
    ['savepoint a', 'unsupported transaction statement: SAVEPOINT'],
    ['release savepoint a', 'unsupported transaction statement: RELEASE'],
    ['rollback to savepoint a', 'unsupported transaction statement: ROLLBACK TO'],
    ['begin isolation level serializable', 'Unsupported isolation level: SERIALIZABLE'],
    ['set transaction isolation level read committed', 'Unsupported isolation level: READ COMMITTED'],
    [
      'set transaction isolation level repeatable read',
      'setting configuration parameter "TRANSACTION" not supported',
    ],
    ['set transaction read only', 'setting configuration parameter "TRANSACTION" not supported'],
    [
      `set default_transaction_isolation = 'repeatable read'`,
      'setting configuration parameter "default_transaction_isolation" not supported',
    ],
    [
      'set client_min_messages to warning',
      'setting configuration parameter "client_min_messages" not supported',
    ],
    ['truncate orders', 'unsupported statement: Truncate'],
    ['lock table orders', 'unsupported statement: Lock'],
    ['do $$ begin end $$', 'unsupported statement: Do'],
    ['listen news', 'unsupported statement: Listen'],
    ['prepare one as select 1', 'unsupported statement: Prepare'],
    ['declare one no scroll cursor for select 1', 'unsupported statement: DeclareCursor'],
    ['discard all', 'unsupported statement: Discard'],
    ['vacuum', 'unsupported VACUUM statement'],
    [
      'merge into orders using orders o on false when matched then delete',
      'unsupported statement type: MERGE',
    ],
    ['select from orders tablesample system (1)', 'TABLESAMPLE clause not supported'],
    ['create extension hstore', 'unsupported statement: CreateExtension'],
    ['create database other', 'unsupported statement: Createdb'],
    [`create type mood as enum ('sad')`, 'CREATE TYPE not supported'],
    ['create type pair as (a int)', 'unsupported statement: CompositeType'],
    [
      'create trigger t after insert on orders execute function suppress_redundant_updates_trigger()',
      'CREATE TRIGGER not supported',
    ],
    ['create temp table one (id int)', 'TEMPORARY or TEMP table not supported for CREATE TABLE'],
    ['create table one as select 1', 'unsupported statement: CreateTableAs'],
    ['create materialized view one as select 1', 'unsupported statement: CreateTableAs'],
    [
      'create table one (id int) partition by hash (id)',
      'PARTITION BY clause not supported for CREATE TABLE',
    ],
    ['create table one (id int, place point not null)', 'datatype point not supported'],
    ['create table one (id int, tags text[])', 'datatype text[] not supported'],
    ['alter table orders add column tags varchar(9)[]', 'datatype varchar(9)[] not supported'],
    ['alter table orders add n serial', 'type "serial" does not exist', '42704'],
    ['create table one (id serial primary key)', 'type "serial" does not exist', '42704'],
    ['create table one ("id" bigserial primary key)', 'type "bigserial" does not exist', '42704'],
    [
      'create table one (id bigint generated always as identity)',
      'identity column is not supported without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1',
    ],
    [
      'create table one (n int, id integer generated always as identity (cache 1))',
      'datatype integer not supported, identity column type must be bigint',
    ],
    [
      'create sequence one cache 100',
      'CREATE SEQUENCE is not supported without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1',
    ],
    [
      'create function f() returns int language plpgsql as $$ begin return 1; end $$',
      'CREATE FUNCTION with language plpgsql not supported',
    ],
    ['create index on orders (id)', 'unsupported mode. please use CREATE INDEX ASYNC.'],
    ['create unique index "orders_id" on orders ("id")', 'unsupported mode. please use CREATE INDEX ASYNC.'],
    ['create index async on orders using btree (id)', 'USING not supported for CREATE INDEX'],
    ['create index async on orders (id desc)', 'specifying sort order not supported for index keys'],
    [
      'alter table orders alter column note type varchar(20)',
      'unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement',
    ],
    ['alter table orders add constraint u unique (note)', 'unsupported ALTER TABLE ADD CONSTRAINT statement'],
    [
      'alter table orders add constraint c check (id > 0)',
      'unsupported ALTER TABLE ADD CONSTRAINT statement',
    ],
    ['alter table orders validate constraint c', 'unsupported ALTER TABLE VALIDATE CONSTRAINT statement'],
    [
      'alter table orders alter note set not null',
      'unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement',
    ],
    ['alter table orders enable row level security', 'unsupported ALTER TABLE ENABLE ROW SECURITY statement'],
    [
      'alter table orders add column n numeric(9, 2) not null',
      'ALTER TABLE ADD COLUMN with constraint not supported',
    ],
    [
      'alter table orders add column n bigint generated always as identity (cache 1)',
      'ALTER TABLE ADD COLUMN with constraint not supported',
    ],
    ['select from orders for share', 'locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported'],
    ['/* a comment */ TRUNCATE\n  "orders"', 'unsupported statement: Truncate'],
    ['select 1; truncate orders', 'unsupported statement: Truncate'],
  ])('is refused: %s', async (statement, message, code = '0A000') => {
    await expect(session.query(statement)).rejects.toMatchObject({ message, code })
    if (!statement.includes(';')) await expect(prepared(statement)).rejects.toMatchObject({ message, code })
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test.each([
    [`select 'truncate; savepoint a; do' as text`],
    ['select 1 as "truncate; lock" -- truncate'],
    [`select $$ create index on $$ as "create index", E'\\'; truncate orders' as e`],
    ['create index async on orders (note)'],
    ['create unique index async if not exists "async" on orders ("note")'],
    ['create table one (id bigint generated always as identity (cache 1), "serial" int); select 1'],
    ['create table one (id int, serial text, path jsonb, constraint box check (id > 0))'],
    ['create table one (id int, order_id int references orders (id) deferrable initially deferred)'],
    ['create sequence one cache 65536'],
    ['alter table orders add column n int'],
    ['alter table orders add column line text storage default'],
    ['alter table orders drop column note'],
    ['alter table orders alter id set default 1'],
    ['alter table orders alter id add generated always as identity'],
    ['alter table orders add constraint positive check (id > 0) not valid'],
    ['alter table async orders validate constraint known'],
    ['create view one as select id from orders'],
    ['create function f() returns int language sql as $$ select 1 $$'],
    ['select from orders for update'],
    ['begin isolation level repeatable read'],
    ['set session characteristics as transaction isolation level repeatable read, read write'],
    [`select string_to_array('a,b', ',')`],
    ['create domain positive as int check (value > 0)'],
    [`select 'ü' as "create index async on orders"`],
  ])('is not detected in: %s', async (statement) => {
    await run('begin', statement, 'rollback')
  })

  test('fails its transaction', async () => {
    await run('begin', 'insert into orders values (1)')
    await expect(session.query('savepoint a')).rejects.toMatchObject({ code: '0A000' })
    await expect(session.query('select 1')).rejects.toMatchObject({ code: '25P02' })
    await run('rollback')
    expect((await session.query('select from orders')).rowCount).toBe(0)
  })
})

describe('a configured conflict', () => {
  test('fails the configured number of commits', async () => {
    await rds.configure({ conflicts: 2 })
    const { connection } = session as unknown as { connection: EventEmitter }
    const completed = vi.fn()
    for (const left of [1, 0]) {
      await run('begin', 'insert into orders values (1)')
      connection.on('commandComplete', completed)
      await expect(session.query('commit')).rejects.toMatchObject(DATA_CONFLICT)
      connection.off('commandComplete', completed)
      expect(await hasTransaction()).toBe(false)
      expect(rds.configuration.conflicts).toBe(left)
    }
    expect(completed).not.toHaveBeenCalled()
    expect((await session.query('select from orders')).rowCount).toBe(0)
    await run('begin', 'insert into orders values (1)', 'commit')
    expect((await session.query('select from orders')).rowCount).toBe(1)
  })

  test('fails prepared commits', async () => {
    await rds.configure({ conflicts: 1, conflictCode: 'OC001' })
    await run('begin')
    await prepared('insert into orders values ($1)', [1])
    await expect(prepared('commit')).rejects.toMatchObject({
      code: '40001',
      message: 'schema has been updated by another transaction (OC001)',
    })
    expect((await session.query('select from orders')).rowCount).toBe(0)
    await run('begin')
    await prepared('insert into orders values ($1)', [1])
    await prepared('commit')
    expect((await session.query('select from orders')).rowCount).toBe(1)
  })

  test('fails statements outside a transaction, and messages that contain COMMIT', async () => {
    await rds.configure({ conflicts: 3 })
    await expect(session.query('insert into orders values (1)')).rejects.toMatchObject(DATA_CONFLICT)
    await expect(prepared('insert into orders values (1)')).rejects.toMatchObject(DATA_CONFLICT)
    const text = 'begin; insert into orders values (1); commit'
    await expect(session.query(text)).rejects.toMatchObject(DATA_CONFLICT)
    expect((await session.query('select from orders')).rowCount).toBe(0)
    await session.query(text)
    expect((await session.query('select from orders')).rowCount).toBe(1)
  })

  test('does not fail transactions that only read or that are rolled back', async () => {
    await rds.configure({ conflicts: 1 })
    await run('select from orders', 'begin', 'select from orders', 'commit')
    await run('begin', 'insert into orders values (1)', 'rollback')
    expect(rds.configuration.conflicts).toBe(1)
  })
})

describe('the end of a session', () => {
  test('happens without a message after the configured time', async () => {
    await rds.configure({ maxSessionSeconds: 0.0501 })
    const short = await dsqlClient(rds)
    const [error] = (await once(short, 'error')) as [Error]
    expect(error.message).toBe('Connection terminated unexpectedly')
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test('waits for the running transaction', async () => {
    await rds.configure({ maxSessionSeconds: 0.05 })
    const short = await dsqlClient(rds)
    short.on('error', () => {})
    await short.query('begin')
    await short.query('insert into orders values (1)')
    await short.query('select pg_sleep(0.2)')
    await short.query('commit')
    await expect(short.query('select 1')).rejects.toThrow('Connection terminated unexpectedly')
    expect((await session.query('select from orders')).rowCount).toBe(1)
  })
})

test('passes values of many megabytes unchanged', async () => {
  const text = 'not the same everywhere '.repeat(300_000)
  const { rows } = await session.query<{ back: string }>('select $1::text as back', [text])
  expect(rows[0]?.back === text).toBe(true)
  const simple = await session.query<{ back: string }>(`select '${text}' as back`)
  expect(simple.rows[0]?.back === text).toBe(true)
})

test('leaves no session at the endpoint when the clients have closed', async () => {
  const other = await dsqlClient(rds)
  await other.query('begin')
  await Promise.all([other.end(), session.end()])
  await allClosed(rds)
  session = await dsqlClient(rds)
})
