// Tests the decisions of `Cluster`. Functions stand in for the servers.
import dns from 'node:dns'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { Duplex } from 'node:stream'
import { parseEndpoint } from '@rds-iam/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { findServer } from '../../packages/core/src/cluster/find-server'
import type { Answer } from '../../packages/core/src/cluster/probe'
import type { Login } from '../../packages/core/src/login/login'

const PORT = 5432
const DOMAIN = 'abcdefghijkl.eu-west-1.rds.amazonaws.com'
const ADDRESSES = { one: '10.0.0.1', two: '10.0.0.2', three: '10.0.0.3' }
const REFUSED = Object.assign(new Error('refused'), { code: '28000' })
const FULL = Object.assign(new Error('too many connections'), { code: '53300' })
const DOWN = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

/** A socket without a network: the test controls its server and its bytes. */
class PlayedSocket extends Duplex {
  remoteAddress: string | undefined
  bytesRead = 0
  setTimeout(): this {
    return this
  }
  override _read(): void {}
  override _write(_: unknown, __: unknown, done: () => void): void {
    done()
  }
}

let count = 0
/** A new cluster name for each test, because the state of a cluster lives as long as the process. */
let name = ''
/** The DNS records: addresses by name. */
let names: Record<string, string[]>
/** The answer of each server, by address. */
let servers: Record<string, (login: Login) => Answer>
/** The addresses that were asked, in order. */
let asked: string[]
let closed: number

const endpoint = () => `${name}.cluster-${DOMAIN}`
const instance = (id: string) => `${name}-${id}.${DOMAIN}`
const members = (writer: string) =>
  Object.keys(ADDRESSES).map((id) => ({ instance: `${name}-${id}`, isWriter: id === writer }))

const addressOf = (host: string) => names[host]?.[0] ?? host

/** Makes an instance the writer, for all servers. */
function elect(writer: keyof typeof ADDRESSES): void {
  for (const [id, address] of Object.entries(ADDRESSES))
    servers[address] = () => ({
      isWriter: id === writer,
      instance: `${name}-${id}`,
      members: members(writer),
    })
}

beforeEach(() => {
  name = `db${count++}`
  names = {
    [endpoint()]: [ADDRESSES.one],
    [`${name}.cluster-ro-${DOMAIN}`]: [ADDRESSES.two],
    ...Object.fromEntries(Object.entries(ADDRESSES).map(([id, address]) => [instance(id), [address]])),
  }
  servers = {}
  asked = []
  closed = 0
  elect('one')
  vi.spyOn(dns, 'lookup').mockImplementation(((host: string, _: unknown, done: Function) =>
    done(
      null,
      (names[host] ?? []).map((address) => ({ address, family: 4 })),
    )) as unknown as typeof dns.lookup)
  syncBuiltinESMExports()
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  vi.useRealTimers()
})

function configuration(role: 'writer' | 'reader' = 'writer'): Login {
  return {
    target: async ({ host, port }: { host: string; port: number }) => ({
      dial: { host, port },
      endpoint: { host, port },
      parsed: parseEndpoint(host),
      region: 'eu-west-1',
    }),
    roleAt: () => role,
  } as unknown as Login
}

/** Opens an application's connection, up to the point where its socket connects. */
async function open(login: Login) {
  const socket = new PlayedSocket()
  const target = await findServer(
    login,
    { host: endpoint(), port: PORT },
    {
      socket,
      user: 'app',
      openProbe: async (by, { dial }) => {
        const address = addressOf(dial.host)
        asked.push(address)
        const answer = servers[address]
        if (!answer) throw DOWN
        // If the server refuses the login, it fails here.
        answer(by)
        return { ask: async () => answer(by), close: () => void closed++ }
      },
    },
  )
  const { connection } = target
  if (!connection) throw new Error('no connection')
  connection.watch(socket as never)
  socket.remoteAddress = addressOf(target.dial.host)
  socket.emit('connect')
  return { socket, target, connection }
}

/** Opens a connection, closes it, and returns its server. */
async function dialled(login: Login): Promise<string> {
  const { socket, target } = await open(login)
  await once(socket.destroy(), 'close')
  return target.dial.host
}

/** Simulates the loss of an open connection. */
async function loseOne(login: Login): Promise<void> {
  const { socket, connection } = await open(login)
  connection.lost(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  await once(socket.destroy(), 'close')
}

it('asks only the server of a lost connection if it is still the writer', async () => {
  const login = configuration()
  await loseOne(login)
  expect(await dialled(login)).toBe(instance('one'))
  expect(asked).toEqual([ADDRESSES.one])
  expect(closed).toBe(1)
})

it.each([
  ['is down', () => delete servers[ADDRESSES.one]],
  [
    'is a reader now',
    () => {
      servers[ADDRESSES.one] = () => ({ isWriter: false, members: [] })
    },
  ],
])('asks the other servers at once if the server of a lost connection %s', async (_, change) => {
  const login = configuration()
  await loseOne(login)
  elect('three')
  change()
  // No pause has ended yet.
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  // The reader endpoint leads to the second instance, whose list contains the third one.
  expect(await dialled(login)).toBe(instance('three'))
  expect(new Set(asked)).toEqual(new Set(Object.values(ADDRESSES)))
})

it('dials the address that was found if the name of its instance leads elsewhere', async () => {
  const login = configuration()
  await loseOne(login)
  elect('two')
  names[instance('two')] = [ADDRESSES.three]
  const { target } = await open(login)
  expect(target.dial.host).toBe(ADDRESSES.two)
  expect(target.endpoint.host).toBe(`${name}.cluster-ro-${DOMAIN}`)
})

it('tries the second address of a name if the first one cannot be reached', async () => {
  const login = configuration()
  await loseOne(login)
  elect('two')
  names[`${name}.cluster-ro-${DOMAIN}`] = ['fd00::2', ADDRESSES.two]
  names[instance('two')] = ['fd00::2', ADDRESSES.two]
  delete servers[ADDRESSES.one]
  expect(await dialled(login)).toBe(instance('two'))
})

it('stops searching only for the configuration whose login every server refused', async () => {
  const [refused, other] = [configuration(), configuration()]
  await loseOne(refused)
  for (const [address, answer] of Object.entries(servers))
    servers[address] = (by) => {
      if (by === refused) throw REFUSED
      return answer(by)
    }
  expect(await dialled(refused)).toBe(endpoint())
  const searches = asked.length
  expect(await dialled(refused)).toBe(endpoint())
  expect(asked).toHaveLength(searches)
  expect(await dialled(other)).toBe(instance('one'))
})

it('avoids a reader only for the configuration whose login it refused', async () => {
  const [refused, other] = [configuration('reader'), configuration('reader')]
  const { connection, target } = await open(refused)
  connection.refused()
  const mine = [await open(refused), await open(refused)].map((one) => one.target.dial.host)
  expect(mine).not.toContain(target.dial.host)
  const theirs = [await open(other), await open(other)].map((one) => one.target.dial.host)
  expect(theirs).toContain(target.dial.host)
})

it('checks a silent server less often each time, and leaves no listener on its socket', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const login = configuration()
  const { socket } = await open(login)
  const listeners = socket.listenerCount('close')
  for (const [afterSeconds, looks] of [
    [2, 1],
    [1, 1],
    [2, 2],
    [2, 2],
    [3, 3],
    [7, 3],
    [2, 4],
    // After a time without silence, the next silence is checked soon.
    [60, 5],
    [3, 6],
  ] as const) {
    vi.setSystemTime(Date.now() + afterSeconds * 1_000)
    socket.emit('timeout')
    // A check takes a few turns of the event loop.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    expect([afterSeconds, asked.length]).toEqual([afterSeconds, looks])
  }
  expect(socket.listenerCount('close')).toBe(listeners)
  expect(asked).toEqual(Array(6).fill(ADDRESSES.one))
})

it('keeps the connections to a silent server if it answers a check with an error', async () => {
  const { socket } = await open(configuration())
  servers[ADDRESSES.one] = () => {
    throw FULL
  }
  socket.emit('timeout')
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(asked).toEqual([ADDRESSES.one])
  expect(socket.destroyed).toBe(false)
})

it('forgets a cluster that has had no connections for a minute', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const login = configuration()
  await loseOne(login)
  elect('two')
  delete servers[ADDRESSES.one]
  expect(await dialled(login)).toBe(instance('two'))
  vi.setSystemTime(Date.now() + 50_000)
  expect(await dialled(login)).toBe(instance('two'))
  vi.setSystemTime(Date.now() + 61_000)
  expect(await dialled(login)).toBe(endpoint())
})

it('lets one connection log in before the others that waited for the writer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const login = configuration()
  await loseOne(login)
  const placed: string[] = []
  const place = async (): Promise<void> => void placed.push(await dialled(login))
  const all = Promise.all([place(), place(), place()])
  while (asked.length === 0 || placed.length === 0) await new Promise(setImmediate)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(placed).toEqual([instance('one')])
  vi.advanceTimersByTime(100)
  await all
  expect(placed).toEqual(Array(3).fill(instance('one')))
})

it('asks the other servers if the server of a lost connection answers with an error', async () => {
  const login = configuration()
  await loseOne(login)
  elect('two')
  servers[ADDRESSES.one] = () => {
    throw FULL
  }
  expect(await dialled(login)).toBe(instance('two'))
})

it('does not count a connection whose socket was closed while it waited', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const login = configuration()
  await loseOne(login)
  elect('two')
  const socket = new PlayedSocket()
  const openProbe = async () => {
    await once(socket.destroy(), 'close')
    throw DOWN
  }
  const { connection } = await findServer(
    login,
    { host: endpoint(), port: PORT },
    { socket, user: 'app', openProbe },
  )
  expect(connection).toBe(undefined)
  expect(await dialled(login)).toBe(instance('two'))
  vi.setSystemTime(Date.now() + 61_000)
  expect(await dialled(login)).toBe(endpoint())
})
