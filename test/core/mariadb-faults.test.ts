import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { bundleProgram } from '../support/bundle-program'
import type { Scene } from './mariadb-login'

/** Makes a server fail for one client. */
type Fault = (client: Socket) => void

const close: Fault = (client) => client.end()
const reset: Fault = (client) => client.resetAndDestroy()
// Complete packets without a meaning.
const sendGarbage: Fault = (client) => client.end(Buffer.from('\x04\0\0\0????'.repeat(8)))
const fallSilent: Fault = () => {}

/** When a fault happens: before the greeting, right after it, or when the client has half of the server's TLS reply. */
type Moment = 'before the greeting' | 'after the greeting' | 'amid TLS'

const CASES: [Fault, Moment][] = [
  [sendGarbage, 'before the greeting'],
  ...[close, reset, sendGarbage, fallSilent].flatMap((fault): [Fault, Moment][] => [
    [fault, 'after the greeting'],
    [fault, 'amid TLS'],
  ]),
]

let rds: TestEndpoint
let relay: Server
let clients: Set<Socket>
/** The plan for the next connection; undefined for no fault. */
let nextFault: () => { fault: Fault; moment: Moment; onFault(): void } | undefined

beforeEach(async () => {
  rds = await startEndpoint({ engine: 'mysql' })
  clients = new Set()
  relay = createServer((client) => {
    const server = connect(rds.port, 'localhost')
    clients.add(client)
    client.on('error', () => {}).once('close', () => clients.delete(client) && server.destroy())
    server.on('error', () => {})
    client.pipe(server)
    const plan = nextFault()
    if (!plan) return void server.pipe(client)
    let isGreeting = true
    server.on('data', (chunk: Buffer) => {
      const fails = isGreeting !== (plan.moment === 'amid TLS')
      if (plan.moment !== 'before the greeting') {
        client.write(fails && !isGreeting ? chunk.subarray(0, chunk.length / 2) : chunk)
      }
      isGreeting = false
      if (!fails) return
      plan.fault(client)
      plan.onFault()
      client.unpipe(server).resume()
      server.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
})
afterEach(async () => {
  relay.close()
  await rds.close()
})

it.each(['3.5', '3.4'])(
  'mariadb %s logs in again when the server failed during a login',
  async (version) => {
    const { iam, ...options } = rds.options
    const program = await bundleProgram(new URL('mariadb-login.ts', import.meta.url))
    const child = fork(program, [], { execArgv: [], silent: true })
    const closed = once(child, 'close')
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data))
    const cases = CASES.values()
    child.on('message', () => {
      const { value } = cases.next()
      if (!value) return child.send('done')
      const [fault, moment] = value
      const waitsForFailure = moment !== 'amid TLS'
      // Two connections meet the fault: the single connection, and the first connection of the pool.
      let faults = 2
      const onFault = () => void (faults === 1 && waitsForFailure && child.send('failed'))
      nextFault = () => (faults-- > 0 ? { fault, moment, onFault } : undefined)
      const scene: Scene = {
        version,
        identity: rds.identity,
        waitsForFailure,
        options: {
          ...options,
          port: (relay.address() as AddressInfo).port,
          connectTimeout: fault === fallSilent ? 2_000 : 10_000,
          iam: { ...(iam?.region ? { region: iam.region } : {}), endpoint: `localhost:${rds.port}` },
        },
      }
      return child.send(scene)
    })
    const [status] = (await closed) as [number]
    expect(output).toBe('{"connection":"rejected","pool":"well"}\n'.repeat(CASES.length))
    expect(status).toBe(0)
    for (const client of clients) if (!client.closed) await once(client, 'close')
  },
  60_000,
)
