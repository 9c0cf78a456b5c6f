import { Signer } from '@aws-sdk/rds-signer'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { postgresConfig } from '@rds-iam/core/postgres'
import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import { mysqlDialectConfig, postgresDialectConfig } from '@rds-iam/kysely'
import { sql } from 'drizzle-orm'
import { drizzle as drizzleMysql2 } from 'drizzle-orm/mysql2'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import knex from 'knex'
import { Kysely, MysqlDialect, PostgresDialect, sql as kyselySql, type Dialect } from 'kysely'
import mariadb, { type PoolConfig } from 'mariadb'
import mysqlCallback from 'mysql2'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { Sequelize } from 'sequelize'
import { DataSource, type DataSourceOptions } from 'typeorm'
import { requireFromApplication } from '../application'

/** The cluster to write to, as an application's configuration names it. */
export interface ClusterLogin {
  host: string
  port: number
  user: string
  database: string
  region: string
  /** The CA certificate, in PEM. */
  ca: string
}

/** An open database. */
export interface Database {
  run(text: string): Promise<unknown>
  close(): Promise<unknown>
}

type Engine = 'postgres' | 'mysql'
type Open = (login: ClusterLogin) => Database | Promise<Database>

/** A client that is compared, and how it is opened: by the name of what logs it in. */
interface Subject {
  engine: Engine
  open: Record<string, Open>
}

const POOL = 10

/** The clients to compare, by name. */
export const SUBJECTS: Record<string, Subject> = {
  'pg, pool.query': overPg((config) => {
    const pool = openPgPool(config)
    return { run: (text) => pool.query(text), close: () => pool.end() }
  }),
  'pg, pool.connect': overPg((config) => {
    const pool = openPgPool(config)
    return {
      async run(text) {
        const client = await pool.connect()
        await client.query(text).finally(() => client.release())
      },
      close: () => pool.end(),
    }
  }),
  'knex, pg': {
    engine: 'postgres',
    open: {
      plain: (login) => overKnex('pg', plainPg(login)),
      'rds-iam': (login) => overKnex('pg', pgConnection(ours(login))),
    },
  },
  'kysely, pg': {
    engine: 'postgres',
    open: {
      plain: (login) => overKysely(new PostgresDialect({ pool: openPgPool(plainPg(login)) })),
      'rds-iam': (login) =>
        overKysely(new PostgresDialect(postgresDialectConfig({ ...ours(login), max: POOL }))),
    },
  },
  'TypeORM, pg': overPg((config) => overTypeorm({ type: 'postgres', extra: { ...config, max: POOL } })),
  'Sequelize 6, pg': overPg(({ host, port, user, password, ssl, stream, database }) =>
    overSequelize(
      new Sequelize({
        dialect: 'postgres',
        host,
        port,
        username: user,
        database,
        dialectOptions: { ssl, ...(stream && { stream }) },
        hooks: { beforeConnect: (options) => void Object.assign(options, { password }) },
        pool: { max: POOL },
        logging: false,
      }),
    ),
  ),
  'Drizzle, pg': overPg((config) => {
    const db = drizzlePg(openPgPool(config))
    return { run: (text) => db.execute(sql.raw(text)), close: () => db.$client.end() }
  }),
  'Drizzle transactions, pg': overPg((config) => {
    const db = drizzlePg(openPgPool(config))
    return {
      run: (text) => db.transaction((transaction) => transaction.execute(sql.raw(text))),
      close: () => db.$client.end(),
    }
  }),
  'postgres.js': {
    engine: 'postgres',
    open: {
      plain: (login) =>
        overPostgresJs({ ...addressOf(login), ssl: { ca: login.ca }, password: tokens(login) }),
      'rds-iam': (login) => overPostgresJs(postgresConfig(ours(login))),
    },
  },
  'AWS wrapper, pg': {
    engine: 'postgres',
    open: wrapped((options) => {
      const { AwsPgPoolClient } = requireFromApplication('aws-advanced-nodejs-wrapper/pg')
      const pool: WrappedPool = new AwsPgPoolClient(
        { ...options, dialect: 'aurora-pg' },
        { maxConnections: POOL },
      )
      return { run: (text) => pool.query(text), close: () => pool.end() }
    }),
  },
  'mysql2, pool.query': overMysql2((config) => {
    const pool = mysql.createPool({ ...config, connectionLimit: POOL })
    return { run: (text) => pool.query(text), close: () => pool.end() }
  }),
  'mysql2, pool.getConnection': overMysql2((config) => {
    const pool = mysql.createPool({ ...config, connectionLimit: POOL })
    return {
      async run(text) {
        const connection = await pool.getConnection()
        await connection.query(text).finally(() => connection.release())
      },
      close: () => pool.end(),
    }
  }),
  'knex, mysql2': {
    engine: 'mysql',
    open: {
      plain: (login) => overKnex('mysql2', plainMysql2(login)),
      'rds-iam': (login) => overKnex('mysql2', mysql2Connection(ours(login))),
    },
  },
  'kysely, mysql2': {
    engine: 'mysql',
    open: {
      plain: (login) => {
        const pool = mysqlCallback.createPool({ ...plainMysql2(login), connectionLimit: POOL })
        return overKysely(new MysqlDialect({ pool }))
      },
      'rds-iam': (login) =>
        overKysely(new MysqlDialect(mysqlDialectConfig({ ...ours(login), connectionLimit: POOL }))),
    },
  },
  'TypeORM, mysql2': overMysql2((config) =>
    overTypeorm({ type: 'mysql', extra: { ...config, connectionLimit: POOL } }),
  ),
  'Sequelize 6, mysql2': overMysql2(({ host, port, user, database, ...dialectOptions }) =>
    overSequelize(
      new Sequelize({
        dialect: 'mysql',
        host,
        port,
        username: user,
        database,
        dialectOptions,
        pool: { max: POOL },
        logging: false,
      }),
    ),
  ),
  'Drizzle, mysql2': overMysql2((config) => {
    const db = drizzleMysql2({ connection: { ...config, connectionLimit: POOL } })
    return { run: (text) => db.execute(sql.raw(text)), close: () => db.$client.promise().end() }
  }),
  'Drizzle transactions, mysql2': overMysql2((config) => {
    const db = drizzleMysql2({ connection: { ...config, connectionLimit: POOL } })
    return {
      run: (text) => db.transaction((transaction) => transaction.execute(sql.raw(text))),
      close: () => db.$client.promise().end(),
    }
  }),
  mariadb: {
    engine: 'mysql',
    open: {
      // It takes no function for the password: one token is valid for the whole run.
      plain: async (login) =>
        overMariadb({ ...addressOf(login), ssl: { ca: login.ca }, password: await tokens(login)() }),
      'rds-iam': (login) => overMariadb(mariadbConfig(ours(login))),
    },
  },
  'AWS wrapper, mysql2': {
    engine: 'mysql',
    open: wrapped((options) => {
      const { AwsMySQLPoolClient } = requireFromApplication('aws-advanced-nodejs-wrapper/mysql')
      const pool: WrappedPool = new AwsMySQLPoolClient(
        { ...options, dialect: 'aurora-mysql', enableCleartextPlugin: true },
        { maxConnections: POOL },
      )
      return { run: (text) => pool.query(text), close: () => pool.end() }
    }),
  },
}

interface WrappedPool {
  query(text: string): Promise<unknown>
  end(): Promise<unknown>
}

type PgOptions = ReturnType<typeof plainPg> & Pick<pg.ClientConfig, 'stream'>
type Mysql2Options = ReturnType<typeof plainMysql2>

function overPg(open: (config: PgOptions) => Database | Promise<Database>): Subject {
  return {
    engine: 'postgres',
    open: {
      plain: (login) => open(plainPg(login)),
      'rds-iam': (login) => open(pgConfig(ours(login)) as unknown as PgOptions),
    },
  }
}

function overMysql2(open: (config: Mysql2Options) => Database | Promise<Database>): Subject {
  return {
    engine: 'mysql',
    open: {
      plain: (login) => open(plainMysql2(login)),
      'rds-iam': (login) => open(mysql2Config(ours(login)) as unknown as Mysql2Options),
    },
  }
}

/** The AWS wrapper with its default plugins and with those that its documentation recommends for failovers. */
function wrapped(open: (options: object) => Database): Record<string, Open> {
  const withPlugins = (plugins: string) => (login: ClusterLogin) =>
    open({ ...addressOf(login), ssl: { ca: login.ca }, plugins: `iam,${plugins}`, iamRegion: login.region })
  return {
    // Those of version 2.0.1, which the option `plugins` replaces.
    'default plugins': withPlugins('auroraConnectionTracker,failover,efm2'),
    'failover2, efm2': withPlugins('failover2,efm2'),
    'initialConnection, failover2, efm2': withPlugins('initialConnection,failover2,efm2'),
  }
}

function addressOf({ host, port, user, database }: ClusterLogin) {
  return { host, port, user, database }
}

function ours(login: ClusterLogin) {
  return { ...addressOf(login), ssl: { ca: login.ca }, iam: { region: login.region } }
}

/** A token for each connection, as users of @aws-sdk/rds-signer do it. */
function tokens({ host, port, user, region }: ClusterLogin): () => Promise<string> {
  const signer = new Signer({ hostname: host, port, username: user, region })
  return () => signer.getAuthToken()
}

function plainPg(login: ClusterLogin) {
  return { ...addressOf(login), ssl: { ca: login.ca }, password: tokens(login) }
}

function plainMysql2(login: ClusterLogin) {
  const token = tokens(login)
  return {
    ...addressOf(login),
    ssl: { ca: login.ca, verifyIdentity: true },
    authPlugins: { mysql_clear_password: () => async () => Buffer.from(`${await token()}\0`) },
  }
}

function openPgPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ ...config, max: POOL })
  // As pg's documentation advises.
  pool.on('error', () => {})
  return pool
}

function overKnex(client: 'pg' | 'mysql2', connection: object): Database {
  const db = knex({ client, connection, pool: { min: 0, max: POOL } })
  return { run: (text) => db.raw(text), close: () => db.destroy() }
}

function overKysely(dialect: Dialect): Database {
  const db = new Kysely<unknown>({ dialect })
  return { run: (text) => kyselySql.raw(text).execute(db), close: () => db.destroy() }
}

async function overTypeorm(options: DataSourceOptions): Promise<Database> {
  const source = await new DataSource({ ...options, logging: false }).initialize()
  return { run: (text) => source.query(text), close: () => source.destroy() }
}

function overSequelize(db: Sequelize): Database {
  return { run: (text) => db.query(text), close: () => db.close() }
}

function overPostgresJs(options: postgres.Options<{}>): Database {
  const db = postgres({ ...options, max: POOL })
  return { run: (text) => db.unsafe(text), close: () => db.end({ timeout: 1 }) }
}

function overMariadb(config: PoolConfig): Database {
  const pool = mariadb.createPool({ ...config, connectionLimit: POOL })
  return { run: (text) => pool.query(text), close: () => pool.end() }
}
