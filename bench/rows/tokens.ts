import { createTokenProvider } from '@rds-iam/core'
import { requireFromApplication, runProgram, writeProgram } from '../application'
import { createFigure, measure, timed, type Figure } from '../figures'
import { identityOf, type Scene } from '../scene'

const HITS = 200_000
const SIGNATURES = 500

/** The time to get a cached token. The AWS signer has no cache and signs each time. */
export async function cachedToken({ postgres }: Scene, seconds: number): Promise<Figure[]> {
  const { host, port, user, region } = postgres
  const credentials = identityOf(postgres)
  const provider = createTokenProvider({ host, port, user, region, credentials })
  const { Signer } = requireFromApplication('@aws-sdk/rds-signer') as {
    Signer: new (options: object) => { getAuthToken(): Promise<string> }
  }
  const signer = new Signer({ hostname: host, port, username: user, region, credentials })
  const average = async (times: number, once: () => Promise<unknown>) => {
    const { ms } = await timed(async () => {
      for (let i = 0; i < times; i++) await once()
    })
    return { µs: (ms * 1_000) / times }
  }
  return measure(
    {
      'rds-iam': () => average(HITS, () => provider.getToken()),
      'usual recipe': () => average(SIGNATURES, () => signer.getAuthToken()),
    },
    [{ quantity: 'µs', what: 'a cached token', subject: 'core', unit: 'µs', target: 0.3 }],
    seconds,
  )
}

/** The heap memory of one cached token, with 100 endpoints, 10 users each, and credentials with a session token. */
export async function memory(_: Scene, seconds: number): Promise<Figure[]> {
  const file = writeProgram(
    'memory.cjs',
    `const { createTokenProvider } = require('@rds-iam/core')
const credentials = { accessKeyId: 'ASIA'.padEnd(20, 'X'), secretAccessKey: 'x'.repeat(40), sessionToken: 'x'.repeat(800) }
const kept = []
async function keep(host, user) {
  const provider = createTokenProvider({ host, port: 5432, user, credentials })
  await provider.getToken()
  kept.push(provider)
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 100)).then(() => (gc(), gc(), process.memoryUsage().heapUsed))
void (async () => {
  for (let i = 0; i < 100; i++) await keep(\`warm\${i}.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com\`, 'warm')
  const before = await settled()
  for (let i = 0; i < 1_000; i++) await keep(\`db\${i % 100}.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com\`, \`user\${i % 10}\`)
  console.log(JSON.stringify({ kb: ((await settled()) - before) / 1_000 / 1_024 }))
})()
`,
  )
  const what = 'memory of a cached token'
  const figures = await measure(
    { 'rds-iam': () => runProgram<{ kb: number }>(file, {}, ['--expose-gc']) },
    [{ quantity: 'kb', what, subject: '100 endpoints × 10 users', unit: 'KB', target: 4 }],
    seconds,
  )
  return [...figures, await memoryAfterExpiry()]
}

/** The heap memory in use after 100,000 users logged in once, their tokens expired, and another user logged in. */
async function memoryAfterExpiry(): Promise<Figure> {
  const file = writeProgram(
    'memory-after-expiry.cjs',
    `const { Login } = require('@rds-iam/core/internal')
const credentials = { accessKeyId: 'ASIA'.padEnd(20, 'X'), secretAccessKey: 'x'.repeat(40), sessionToken: 'x'.repeat(800) }
const settled = () => new Promise((resolve) => setTimeout(resolve, 100)).then(() => (gc(), gc(), process.memoryUsage().heapUsed))
void (async () => {
  const login = new Login({ region: 'eu-west-1', credentials }, {}, 'postgres')
  const target = await login.target({ host: 'db.abcdefghijkl.eu-west-1.rds.amazonaws.com', port: 5432 })
  await login.token(target, 'first')
  const before = await settled()
  for (let i = 0; i < 100_000; i++) await login.token(target, \`user\${i}\`)
  const now = () => performance.timeOrigin + performance.now() + 1_200_000
  Date = class extends Date { constructor(...time) { super(...(time.length ? time : [now()])) } static now() { return now() } }
  await login.token(target, 'last')
  console.log(JSON.stringify({ bytes: (await settled()) - before }))
})()
`,
  )
  const { bytes } = await runProgram<{ bytes: number }>(file, {}, ['--expose-gc'])
  const what = 'memory that expired tokens leave'
  const line = { what, subject: '100,000 users', unit: 'MB', target: 5 } as const
  return createFigure(line, { 'rds-iam': [bytes / 1_000_000] })
}
