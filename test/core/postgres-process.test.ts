import { fork, type ChildProcess } from 'node:child_process'
import { EventEmitter, on, once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { bundleProgram } from '../support/bundle-program'
import type { ProgramArguments } from './postgres-program'

// How many chunks a client has sent at each step of its login.
const steps = {
  accepted: 0,
  'requesting TLS': 1,
  'starting TLS': 2,
  'inside TLS': 3,
  'sending its startup message': 4,
}
type Step = keyof typeof steps

const faults = {
  'closes the connection': (client: Socket) => client.end(),
  'resets the connection': (client: Socket) => client.resetAndDestroy(),
  'sends garbage': (client: Socket) => client.write('garbage'.repeat(100)),
}

/** A relay in front of an endpoint. At the step `stopsAt` it stops forwarding the client's data. */
class Relay extends EventEmitter {
  readonly clients = new Set<Socket>()
  stopsAt: Step | undefined
  readonly #server = createServer((client) => this.#relay(client))

  constructor(readonly upstreamPort: number) {
    super()
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  async allClosed(): Promise<void> {
    while (this.clients.size > 0) await once(this, 'closed')
  }

  close(): void {
    this.#server.close()
    for (const client of this.clients) client.destroy()
  }

  #relay(client: Socket): void {
    let chunks = 0
    const upstream = connect(this.upstreamPort, 'localhost')
    const stops = () => {
      const at = this.stopsAt
      if (at === undefined || chunks < steps[at]) return false
      this.stopsAt = undefined
      client.removeAllListeners('data').resume()
      this.emit('stopped', client)
      return true
    }
    this.clients.add(client)
    upstream.on('error', () => {}).on('data', (chunk) => client.write(chunk))
    upstream.once('close', () => client.destroy())
    client
      .on('error', () => {})
      .once('close', () => {
        upstream.destroy()
        this.clients.delete(client)
        this.emit('closed')
      })
    client.on('data', (chunk) => {
      chunks++
      if (!stops()) upstream.write(chunk)
    })
    this.emit('client', client)
    stops()
  }
}

let program: string
beforeAll(async () => {
  program = await bundleProgram(new URL('postgres-program.ts', import.meta.url))
})

describe.each(['latest', 'oldest'] as const)('a process with postgres.js, %s version,', (version) => {
  let rds: TestEndpoint
  let relay: Relay
  let port: number
  let child: ChildProcess
  let messages: AsyncIterator<[unknown]>
  let errors: string

  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'postgres' })
    relay = new Relay(rds.port)
    port = await relay.listen()
  })
  afterEach(async () => {
    child.kill('SIGKILL')
    relay.close()
    await rds.close()
  })

  async function start(waits: boolean): Promise<void> {
    const { options, identity } = rds
    const iam = { region: rds.region, endpoint: `localhost:${rds.port}` }
    const given: ProgramArguments = {
      version,
      options: { ...options, host: '127.0.0.1', port, iam },
      identity,
      waits,
    }
    errors = ''
    child = fork(program, [JSON.stringify(given)], { execArgv: [], silent: true })
    child.stderr?.on('data', (data) => (errors += data))
    messages = on(child, 'message', { close: ['exit'] })[Symbol.asyncIterator]() as AsyncIterator<[unknown]>
    expect(await nextMessage()).toBe('ready')
  }

  /** The next message of the program, or its errors if it exited. */
  async function nextMessage(): Promise<unknown> {
    const { value, done } = await messages.next()
    return done ? errors : value[0]
  }

  function order(name: string, text = ''): void {
    child.send([name, text])
  }

  async function expectExit(): Promise<void> {
    order('leave')
    const [status] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
    expect({ status, errors }).toEqual({ status: 0, errors: '' })
    await relay.allClosed()
  }

  it.each(Object.entries(faults))(
    'keeps running when the server %s before the token is ready',
    async (_, strike) => {
      await start(true)
      relay.stopsAt = 'inside TLS'
      const stopped = once(relay, 'stopped')
      order('run', 'select 1 as one')
      const [client] = (await stopped) as [Socket]
      strike(client)
      expect(await nextMessage()).toMatchObject({ message: expect.not.stringContaining('TIMEOUT') })
      order('allow')
      order('run', 'select 1 as one')
      expect(await nextMessage()).toEqual({ rows: [{ one: 1 }] })
      order('end')
      expect(await nextMessage()).toBe('ended')
      await expectExit()
    },
  )

  it.each(Object.keys(steps) as Step[])('ends a login that is %s when sql.end() is called', async (step) => {
    await start(step === 'inside TLS')
    relay.stopsAt = step
    const stopped = once(relay, 'stopped')
    order('run', 'select 1 as one')
    await stopped
    order('endNow')
    expect(await nextMessage()).toMatchObject({ code: 'CONNECTION_DESTROYED' })
    expect(await nextMessage()).toBe('ended')
    await relay.allClosed()
    order('allow')
    await expectExit()
    expect(rds.logins).toEqual([])
  })

  it('ends a session whose query is running when sql.end() is called', async () => {
    await start(false)
    order('run', `do $$ begin raise notice 'it runs'; perform pg_sleep(5); end $$`)
    expect(await nextMessage()).toBe('running')
    order('endNow')
    expect(await nextMessage()).toMatchObject({ code: 'CONNECTION_DESTROYED' })
    expect(await nextMessage()).toBe('ended')
    await relay.allClosed()
    await expectExit()
  })

  it('ends a session when sql.end() is called and the server does not respond', async () => {
    await start(false)
    order('run', 'select 1 as one')
    expect(await nextMessage()).toEqual({ rows: [{ one: 1 }] })
    for (const client of relay.clients) client.removeAllListeners('data').resume()
    order('end')
    expect(await nextMessage()).toBe('ended')
    await expectExit()
  })

  it('keeps running when the connection that cancels a query fails', async () => {
    await start(false)
    order('run', `do $$ begin raise notice 'it runs'; perform pg_sleep(5); end $$`)
    expect(await nextMessage()).toBe('running')
    const [session] = relay.clients
    relay.once('client', (client: Socket) => {
      client.resetAndDestroy()
      client.once('close', () => session?.end())
    })
    order('cancel')
    expect(await nextMessage()).toMatchObject({ code: 'CONNECTION_CLOSED' })
    // Without a time limit postgres.js waits for the lost query for ever.
    order('endNow')
    expect(await nextMessage()).toBe('ended')
    await expectExit()
  })
})
