// The rules of Aurora DSQL for statements and transactions, without a server.
import { describe, expect, test } from 'vitest'
import { readStatements, type StatementKind } from '../../packages/local/src/dsql/statements'
import { DsqlTransaction } from '../../packages/local/src/dsql/transaction'

const CACHE = 'please define CACHE greater than or equal to 65536 or equal to 1'
const CONSTRAINT = 'unsupported ALTER TABLE ADD CONSTRAINT statement'
const COLUMN = 'ALTER TABLE ADD COLUMN with constraint not supported'
const DATA_TYPE = 'unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement'
const NOT_NULL = 'unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement'
const TEMPORARY = 'TEMPORARY or TEMP table not supported for CREATE TABLE'
const IDENTITY = `identity column is not supported without an explicit cache size. ${CACHE}`
const TABLE_AS = 'unsupported statement: CreateTableAs'
const LOCKING = 'locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported'
const NO_ASYNC = 'unsupported mode. please use CREATE INDEX ASYNC.'
const ORDER = 'specifying sort order not supported for index keys'

/** These are refused wherever they occur in a statement. */
const anywhere: [statement: string, message: string, sqlState?: string][] = [
  ['select pg_advisory_lock(1)', 'function pg_advisory_lock not supported'],
  ['select pg_try_advisory_xact_lock (1)', 'function pg_try_advisory_xact_lock not supported'],
  ['select from orders for share', LOCKING],
  ['select from orders for no key update', LOCKING],
  ['select from orders for \n\t share', LOCKING],
]
/** These are refused at the start of a statement. */
const atStart: typeof anywhere = [
  ['begin isolation level serializable', 'Unsupported isolation level: SERIALIZABLE'],
  ['start transaction isolation level read committed', 'Unsupported isolation level: READ COMMITTED'],
  ['begin read only, isolation level read committed', 'Unsupported isolation level: READ COMMITTED'],
  ['set transaction read only', 'setting configuration parameter "TRANSACTION" not supported'],
  ['set local transaction read only', 'setting configuration parameter "TRANSACTION" not supported'],
  [
    'set transaction_isolation = serializable',
    'setting configuration parameter "transaction_isolation" not supported',
  ],
  [
    'set session default_transaction_isolation = serializable',
    'setting configuration parameter "default_transaction_isolation" not supported',
  ],
  ['savepoint a', 'unsupported transaction statement: SAVEPOINT'],
  ['release a', 'unsupported transaction statement: RELEASE'],
  ['rollback to a', 'unsupported transaction statement: ROLLBACK TO'],
  ['rollback work to a', 'unsupported transaction statement: ROLLBACK TO'],
  ['abort transaction to a', 'unsupported transaction statement: ROLLBACK TO'],
  ['truncate orders', 'unsupported statement: Truncate'],
  ['lock orders', 'unsupported statement: Lock'],
  ['do $$ begin end $$', 'unsupported statement: Do'],
  ['listen news', 'unsupported statement: Listen'],
  ['notify news', 'unsupported statement: Notify'],
  ['unlisten news', 'unsupported statement: Unlisten'],
  ['alter system set a = 1', 'unsupported statement: AlterSystem'],
  ['vacuum', 'unsupported VACUUM statement'],
  ['merge into orders', 'unsupported statement type: MERGE'],
  ['create extension hstore', 'unsupported statement: CreateExtension'],
  ['create database other', 'unsupported statement: Createdb'],
  ['create trigger t', 'CREATE TRIGGER not supported'],
  ['create or replace trigger t', 'CREATE TRIGGER not supported'],
  ['create constraint trigger t', 'CREATE TRIGGER not supported'],
  [`create type mood as enum ('sad')`, 'CREATE TYPE not supported'],
  [`alter type mood add value 'glad'`, 'ALTER TYPE not supported'],
  ['drop type mood', 'unsupported object in DROP statement'],
  ['create function f() language plpgsql', 'CREATE FUNCTION with language plpgsql not supported'],
  ['create or replace function f() language c', 'CREATE FUNCTION with language c not supported'],
  ['create temp table one (id int)', TEMPORARY],
  ['create temporary table one (id int)', TEMPORARY],
  ['create local temp table one (id int)', TEMPORARY],
  ['create global temporary table one (id int)', TEMPORARY],
  ['create unlogged table one (id int)', 'UNLOGGED table not supported for CREATE TABLE'],
  ['create materialized view one', TABLE_AS],
  ['create table one as select 1', TABLE_AS],
  ['create table if not exists one as select 1', TABLE_AS],
  ['create table one (a, b) as select 1, 2', TABLE_AS],
  ['create table one () as select', TABLE_AS],
  ['create sequence one', `CREATE SEQUENCE is not supported without an explicit cache size. ${CACHE}`],
  ['create table one (id serial primary key)', 'type "serial" does not exist', '42704'],
  ['create table one ("id" bigserial primary key)', 'type "bigserial" does not exist', '42704'],
  ['alter table one add id smallserial', 'type "smallserial" does not exist', '42704'],
  ['create table one (id bigint generated always as identity)', IDENTITY],
  ['create table one (id bigint generated always as identity (start 5))', IDENTITY],
  ['create index async on orders using btree (id)', 'USING not supported for CREATE INDEX'],
  ['create unique index async on orders using gin (id)', 'USING not supported for CREATE INDEX'],
  ['create index async on orders (id desc)', ORDER],
  ['create unique index async on orders (id asc)', ORDER],
  ['create index on orders (id)', NO_ASYNC],
  ['create unique index "orders_id" on orders ("id")', NO_ASYNC],
  ['alter table orders alter column note type varchar(20)', DATA_TYPE],
  ['alter table orders alter note set data type text', DATA_TYPE],
  ['alter table orders alter column note set not null', NOT_NULL],
  ['alter table orders alter note set not null', NOT_NULL],
  ['alter table orders add constraint u unique (note)', CONSTRAINT],
  ['alter table orders add primary key (id)', CONSTRAINT],
  ['alter table orders add exclude (id with =)', CONSTRAINT],
  ['alter table orders add check (id > 0)', CONSTRAINT],
  ['alter table orders add constraint f foreign key (id) references other', CONSTRAINT],
  ['alter table orders add column n int not null', COLUMN],
  ['alter table orders add n int default 1', COLUMN],
  ['alter table orders add n int unique', COLUMN],
  ['alter table orders add n int primary key', COLUMN],
  ['alter table orders add n int check (n > 0)', COLUMN],
  ['alter table orders add n int references other', COLUMN],
]

describe('a statement', () => {
  test.each([
    ...anywhere,
    ...atStart,
    ['/* a comment */ TRUNCATE\n  "orders"', 'unsupported statement: Truncate'],
    ['select 1; truncate orders; vacuum', 'unsupported statement: Truncate'],
  ] as typeof anywhere)('is refused: %s', (statement, message, sqlState = '0A000') => {
    expect(readStatements(statement).error).toEqual({ sqlState, message })
  })

  test.each(atStart)('is allowed after EXPLAIN: %s', (statement) => {
    expect(readStatements(`explain ${statement}`).error).toBe(undefined)
  })

  test.each([
    `select 'truncate; savepoint a; do' as text`,
    'select 1 as "truncate; lock" -- truncate',
    'select 1 -- a comment\n',
    `select $$ ; create index on $$ as "create index", E'\\'; truncate orders' as e`,
    `select $a_1$; truncate $$; vacuum $a_1$, 'it''s; lock', e'it''s; do', "a""b; lock"`,
    'select 1 /* ; truncate\n; lock */',
    'begin isolation level repeatable read',
    'begin',
    'set search_path to shop',
    'set local my.transaction_isolation = 1',
    'rollback',
    'create function f() returns int language sql as $$ select 1 $$',
    'create view one as select id from orders',
    'create table one (id int); select 1 as one',
    'create sequence one cache 65536',
    'create sequence one start 1 cache 1',
    'create table one (id bigint generated always as identity (cache 1), "serial" int); select 1',
    'create table one (id bigint generated always as identity (start 5 cache 1))',
    'create table one (id bigint generated always as identity(cache 1))',
    'create index async on orders (note)',
    'create index async on orders using btree_index (id)',
    'create unique index async if not exists "async" on orders ("note")',
    'alter table orders add column n int',
    'alter table orders add n int',
    'alter table orders add constraint positive check (id > 0) not valid',
    'alter table orders add foreign key (id) references other not valid',
    'alter table orders add constraint u unique using index i',
    'alter table orders alter n drop not null',
    'alter table orders add n int, alter id set default 1',
    'select from orders for update',
    'select from orders for key share',
    'select my_pg_advisory_lock(1), pg_advisory_lock',
  ])('is allowed: %s', (statement) => {
    expect(readStatements(statement).error).toBe(undefined)
  })

  test.each<[string, ...StatementKind[]]>([
    ['begin; start transaction', 'begin', 'begin'],
    ['commit; end', 'commit', 'commit'],
    ['rollback; abort', 'rollback', 'rollback'],
    ['create table a (); alter table a add b int; drop table a', 'ddl', 'ddl', 'ddl'],
    ['insert into a; update a; delete from a', 'dml', 'dml', 'dml'],
    ['with a as (insert into b) select; with a as (select 1) update b', 'dml', 'dml'],
    ['with a as (delete from b) select', 'dml'],
    ['with a as (select 1) select * from "insert into"', 'other'],
    ['select from a for update; show a; ; explain insert into a', 'other', 'other', 'other'],
    ['explain begin; explain commit; explain rollback; explain drop', 'other', 'other', 'other', 'other'],
    ['explain with a as (insert into b) select', 'other'],
    ['ends; begins; created; inserted', 'other', 'other', 'other', 'other'],
    ['-- only a comment'],
  ])('is of a kind: %s', (text, ...kinds) => {
    expect(readStatements(text).kinds).toEqual(kinds)
  })

  test.each([
    ['create index async on a (b)', 'create index  on a (b)'],
    [
      'CREATE  UNIQUE\n INDEX  ASYNC i on a (b); create index async on a (c)',
      'CREATE  UNIQUE\n INDEX   i on a (b); create index  on a (c)',
    ],
    [
      `/* a */ select 'b', 'create index async'; create index async on a (b)`,
      `/* a */ select 'b', 'create index async'; create index  on a (b)`,
    ],
    [`select 'create index async'; create index asynchronous on a (b)`],
    [`select 'é', /* create index async */ 1 as "create index async"`],
    [`select e'\\'', 'create index async', $a$ create index async $a$ -- create index async`],
  ])('is sent without ASYNC: %s', (text, sent = text) => {
    expect(readStatements(text).text).toBe(sent)
  })
})

describe('a transaction', () => {
  const MULTIPLE = 'multiple ddl statements not supported in a transaction'
  const MIXED = 'ddl and dml are not supported in the same transaction'
  test.each<[StatementKind[], string | undefined]>([
    [['begin', 'ddl', 'other', 'commit', 'begin', 'ddl'], undefined],
    [['begin', 'dml', 'dml', 'other'], undefined],
    [['begin', 'ddl', 'rollback', 'dml'], undefined],
    [['begin', 'ddl', 'ddl'], MULTIPLE],
    [['begin', 'ddl', 'dml'], MIXED],
    [['begin', 'dml', 'ddl'], MIXED],
  ])('of %j: %s', (kinds, message) => {
    const transaction = new DsqlTransaction()
    const errors = kinds.map((kind) => transaction.add(kind))
    expect(errors.pop()).toEqual(message && { sqlState: '0A000', message })
    expect(errors).toEqual(errors.map(() => undefined))
  })

  test.each<[StatementKind[], { isExplicit: boolean; writes: boolean }]>([
    [[], { isExplicit: false, writes: false }],
    [['begin', 'other'], { isExplicit: true, writes: false }],
    [['begin', 'dml'], { isExplicit: true, writes: true }],
    [['ddl'], { isExplicit: false, writes: true }],
    [['begin', 'dml', 'commit'], { isExplicit: false, writes: false }],
    [['begin', 'ddl', 'rollback'], { isExplicit: false, writes: false }],
  ])('knows its state after %j', (kinds, state) => {
    const transaction = new DsqlTransaction()
    for (const kind of kinds) transaction.add(kind)
    expect({ isExplicit: transaction.isExplicit, writes: transaction.writes }).toEqual(state)
  })

  test('ends without COMMIT only if BEGIN did not start it', () => {
    const [implicit, explicit] = [new DsqlTransaction(), new DsqlTransaction()]
    explicit.add('begin')
    for (const transaction of [implicit, explicit]) {
      transaction.add('dml')
      transaction.endImplicit()
    }
    expect([implicit.writes, explicit.writes]).toEqual([false, true])
  })
})
