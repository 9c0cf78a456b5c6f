import dns from 'node:dns'
import fs from 'node:fs'
import { EventEmitter, once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import mysql from 'mysql2/promise'
import type latestMysql from 'mysql2'
import oldestMysql from 'mysql2-3.15'
import pg from 'pg'
import { mysql2CallbackPool, mysql2Pool, pgPool } from '../contract/drivers'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { ours, rejection } from '../contract/outcome'
import { REFUSED, SERVFAIL, startDns, type TestDns } from '../servers/dns'

const ALIAS = 'db.shop.example'
const BLUE = 'blue.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const GREEN = 'green.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'

describe.each([
  ['pg', pgPool(pg)],
  ['mysql2', mysql2Pool(mysql)],
  // All connections of its pool share one configuration object.
  ['mysql2 3.15', mysql2CallbackPool(oldestMysql as unknown as typeof latestMysql)],
])('followCname with %s', (_, { engine, open }) => {
  const servers = dns.getServers()
  let names: TestDns
  let blue: TestEndpoint
  let green: TestEndpoint
  let dialled: string[]
  const dialling = new EventEmitter()

  beforeEach(async () => {
    names = await startDns()
    dns.setServers([names.address])
    blue = await startEndpoint({ engine, endpoints: [BLUE] })
    green = await startEndpoint({ engine, endpoints: [GREEN], port: 0 })
    dialled = []
    // Resolve names that do not exist in DNS.
    vi.spyOn(dns, 'lookup').mockImplementation(((
      host: string,
      options: dns.LookupOptions,
      done: Function,
    ) => {
      dialled.push(host)
      dialling.emit(host)
      if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
      else done(null, '127.0.0.1', 4)
    }) as unknown as typeof dns.lookup)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    dns.setServers(servers)
    await Promise.all([blue.close(), green.close(), names.close()])
  })

  const follow = (rds: TestEndpoint, more: object = {}) => {
    const { region: _, ...iam } = rds.options.iam ?? {}
    return { ...rds.options, host: ALIAS, iam: { ...iam, followCname: true, ...more } }
  }

  it('dials, signs for and verifies the endpoint behind an alias', async () => {
    names.aliases.set(ALIAS, 'writer.shop.example').set('writer.shop.example', BLUE)
    const db = open(follow(blue), 2)
    await db.sql('select 1')
    await db.close()
    expect(dialled).toEqual([BLUE])
    expect(blue.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('dials the new endpoint at the next connection when the alias changes', async () => {
    names.aliases.set(ALIAS, BLUE)
    const ca = blue.ca + green.ca
    const db = open({ ...follow(blue), ssl: { ca } }, 2)
    await db.transaction(async (sql) => {
      await sql('select 1')
      names.aliases.set(ALIAS, GREEN)
      // Here the new name resolves to the old endpoint, whose certificate is not valid for it.
      await rejection(db.transaction((other) => other('select 1')))
    })
    await db.close()
    expect(dialled).toEqual([BLUE, GREEN])
    expect(green.logins).toEqual([])
  })

  it('sends no token for the new endpoint when the alias changes while a connection is being opened', async () => {
    names.aliases.set(ALIAS, BLUE)
    let clients = 0
    const relay = createServer((client) => {
      const server = connect(blue.port, '127.0.0.1')
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const)
        from.on('error', () => {}).once('close', () => to.destroy())
      server.pipe(client)
      if (clients++ > 0) return void client.pipe(server)
      client.once('data', (chunk) => {
        // Do not answer the TLS request until a second connection has dialled the new name.
        client.pause()
        names.aliases.set(ALIAS, GREEN)
        dialling.once(GREEN, () => {
          server.write(chunk)
          client.pipe(server)
        })
        relay.emit('moved')
      })
    }).listen(0)
    await once(relay, 'listening')
    const { port } = relay.address() as AddressInfo
    const db = open({ ...follow(blue), port }, 2)
    const moved = once(relay, 'moved')
    const first = rejection(db.sql('select 1'))
    await moved
    await Promise.all([first, rejection(db.sql('select 1'))])
    await db.close()
    relay.close()
    expect(JSON.stringify(blue.logins)).not.toContain('green')
  })

  it('dials nothing when the driver times out before DNS responds', async () => {
    const questions = new EventEmitter()
    vi.spyOn(dns.promises, 'resolveCname').mockImplementation(
      () => new Promise((answer) => questions.emit('question', answer)),
    )
    const asked = once(questions, 'question')
    const limit = engine === 'postgres' ? { connectionTimeoutMillis: 100 } : { connectTimeout: 100 }
    const db = open({ ...follow(blue), ...limit }, 1)
    await rejection(db.sql('select 1'))
    const [answer] = (await asked) as [(names: string[]) => void]
    answer([BLUE])
    await setImmediate()
    await db.close()
    expect(dialled).toEqual([])
  })

  it('follows the CNAME of a global endpoint unless the region is given', async () => {
    const global = 'gdb.global-abcdefghijkl.global.rds.amazonaws.com'
    names.aliases.set(ALIAS, global).set(global, BLUE)
    const db = open(follow(blue), 2)
    await db.sql('select 1')
    await db.close()
    expect(dialled).toEqual([BLUE])
    const named = open(follow(blue, { region: 'us-east-1' }), 2)
    await rejection(named.sql('select 1'))
    await named.close()
    expect(dialled).toEqual([BLUE, global])
  })

  it.each([
    ['db', 'search shop.svc.example svc.example\noptions ndots:5', 'db.svc.example'],
    [
      'db.shop',
      'domain elsewhere.example\nsearch example. svc.example\noptions timeout:1 ndots:2',
      'db.shop.svc.example',
    ],
    ['db.shop', 'search svc.example\n', 'db.shop.svc.example'],
    ['db', 'search .\n', 'db'],
    ['db.shop', '', 'db.shop'],
  ])('completes %s by the search list of resolv.conf: %j', async (host, resolvConf, alias) => {
    vi.spyOn(fs.promises, 'readFile').mockImplementation(async (file) => {
      expect(file).toBe('/etc/resolv.conf')
      return resolvConf
    })
    names.aliases.set(alias, BLUE)
    const db = open({ ...follow(blue), host }, 2)
    await db.sql('select 1')
    await db.close()
    expect(dialled).toEqual([BLUE])
  })

  it('adds no search domain to a name when resolv.conf does not exist', async () => {
    vi.spyOn(fs.promises, 'readFile').mockRejectedValue(new Error('ENOENT'))
    names.aliases.set('db', BLUE)
    const db = open({ ...follow(blue), host: 'db' }, 2)
    await db.sql('select 1')
    await db.close()
    expect(dialled).toEqual([BLUE])
  })

  it.each([
    ['SERVFAIL', SERVFAIL],
    ['REFUSED', REFUSED],
  ])('retries when DNS responds %s, and rejects when all retries fail', async (word, code) => {
    names.aliases.set(ALIAS, BLUE)
    names.failures.set(ALIAS, [code, code])
    const db = open(follow(blue), 2)
    await db.sql('select 1')
    await db.close()
    expect(dialled).toEqual([BLUE])

    names.failures.set(ALIAS, Array(9).fill(code))
    const failing = open(follow(blue), 2)
    const error = ours(await rejection(failing.sql('select 1')))
    await failing.close()
    expect(error?.message).toContain(`DNS failed for ${ALIAS} (E${word})`)
    expect(error?.message).not.toContain('has no CNAME')
  })

  it('does not try the next name of the search list when DNS fails for one', async () => {
    vi.spyOn(fs.promises, 'readFile').mockResolvedValue('search shop.example svc.example')
    names.failures.set('db.shop.example', Array(9).fill(SERVFAIL))
    names.aliases.set('db.svc.example', BLUE)
    const db = open({ ...follow(blue), host: 'db' }, 2)
    expect(ours(await rejection(db.sql('select 1')))?.message).toContain('DNS failed for db.shop.example')
    await db.close()
    expect(dialled).toEqual([])
  })

  it('tries the name itself when DNS fails for a search domain', async () => {
    vi.spyOn(fs.promises, 'readFile').mockResolvedValue('search corp.example\noptions ndots:5')
    names.failures.set(`${ALIAS}.corp.example`, Array(9).fill(SERVFAIL))
    names.aliases.set(ALIAS, BLUE)
    const db = open(follow(blue), 2)
    await db.sql('select 1')
    await db.close()
    expect(dialled).toEqual([BLUE])
  })

  it('rejects when an alias points to itself', async () => {
    names.aliases.set(ALIAS, ALIAS)
    const db = open(follow(blue), 2)
    expect(ours(await rejection(db.sql('select 1')))?.message).toContain('more than 8 CNAMEs')
    await db.close()
  })

  it.each([
    ['leads nowhere', () => {}],
    ['leads to a name that is no RDS endpoint', () => names.aliases.set(ALIAS, 'elsewhere.example')],
    ['is not answered for', () => names.fallSilent()],
  ])('dials nothing when the alias %s', async (_, arrange) => {
    arrange()
    const db = open(follow(blue, { timeoutMs: 300 }), 2)
    const error = await rejection(db.sql('select 1'))
    await db.close()
    expect(ours(error)).toMatchObject({
      code: 'ENDPOINT_UNKNOWN',
      message: expect.stringContaining('iam.endpoint'),
    })
    expect(dialled).toEqual([])
  })
})
