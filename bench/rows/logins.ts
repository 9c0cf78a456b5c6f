import { runProgram, writeProgram } from '../application'
import { measure, type Figure } from '../figures'
import { allClosed, environment, type Scene } from '../scene'

const LOGINS = 1_000

const PREAMBLE = `
const { subscribe } = require('node:diagnostics_channel')
const { setTimeout: delay } = require('node:timers/promises')
const { HOST: host, PORT, DB_USER: user, DATABASE: database, CA: ca, TOKEN, AWS_REGION: region } = process.env
const address = { host, port: Number(PORT), user, database }
const counts = { fetches: 0, signatures: 0 }
async function credentials() {
  counts.fetches++
  await delay(50)
  return { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY }
}
async function signByHand() {
  const { Signer } = require('@aws-sdk/rds-signer')
  const signer = new Signer({ hostname: host, port: Number(PORT), region, username: user, credentials })
  const token = await signer.getAuthToken()
  counts.signatures++
  return token
}
subscribe('rds-iam:token.signed', () => counts.signatures++)
const ours = { ...address, ssl: { ca }, iam: { region, credentials } }
`

const REPORT = (open: string) => `
void (async () => {
  const start = performance.now()
  const before = process.cpuUsage()
  const opening = await Promise.allSettled(Array.from({ length: ${LOGINS} }, () => ${open}))
  const ms = performance.now() - start
  const { user: userTime, system } = process.cpuUsage(before)
  for (const { reason } of opening) if (reason) throw reason
  console.log(JSON.stringify({ wall: ms, cpu: (userTime + system) / 1_000, ...counts }))
  process.exit()
})()
`

const PROGRAMS = {
  pg: {
    imports: `const { Client } = require('pg')\n`,
    baseline: 'const options = { ...address, ssl: { ca }, password: TOKEN }',
    'rds-iam': `const options = require('@rds-iam/core/pg').pgConfig(ours)`,
    'usual recipe': 'const options = { ...address, ssl: { ca }, password: signByHand }',
    open: '(async (client) => client.connect())(new Client({ connectionTimeoutMillis: 0, ...options }))',
  },
  mysql2: {
    imports: `const { createConnection } = require('mysql2/promise')\n`,
    baseline: `const options = { ...address, ssl: { ca, verifyIdentity: true }, authPlugins: { mysql_clear_password: () => () => Buffer.from(TOKEN + '\\0') } }`,
    'rds-iam': `const options = require('@rds-iam/core/mysql2').mysql2Config(ours)`,
    'usual recipe': `const options = { ...address, ssl: { ca, verifyIdentity: true }, authPlugins: { mysql_clear_password: () => async () => Buffer.from((await signByHand()) + '\\0') } }`,
    open: 'createConnection({ connectTimeout: 120_000, ...options })',
  },
}

/** A thousand logins at once, in a process that has not logged in before. Fetching credentials takes 50 ms. */
export async function manyLogins(scene: Scene, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [subject, { imports, open, ...logins }] of Object.entries(PROGRAMS)) {
    const endpoint = subject === 'pg' ? scene.postgres : scene.mysql
    const contestants = Object.entries(logins).map(([login, options]) => {
      const text = `${imports}${PREAMBLE}${options}${REPORT(open)}`
      const file = writeProgram(`logins.${subject}.${login.replace(' ', '-')}.cjs`, text)
      const run = async () => {
        const answer = await runProgram<Answer>(file, await environment(endpoint))
        await allClosed(endpoint)
        return answer
      }
      return [login, run] as const
    })
    const what = `${LOGINS.toLocaleString('en')} logins at once`
    figures.push(
      ...(await measure(
        Object.fromEntries(contestants),
        [
          { quantity: 'fetches', what: `${what}: credential fetches`, subject, unit: 'times', target: 1 },
          { quantity: 'signatures', what: `${what}: signatures`, subject, unit: 'times', target: 1 },
          { quantity: 'cpu', what: `${what}: CPU`, subject, unit: '×', target: 1.02 },
          { quantity: 'wall', what: `${what}: time`, subject, unit: '×', target: 1.02 },
        ],
        3 * seconds,
      )),
    )
  }
  return figures
}

type Answer = Record<'wall' | 'cpu' | 'fetches' | 'signatures', number>
