import dns from 'node:dns'
import mariadb from 'mariadb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { mariadbPool, mysql2Pool, pgPool, postgresJs } from '../contract/drivers'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { ours, rejection } from '../contract/outcome'
import { startDns, type TestDns } from '../servers/dns'

const GLOBAL = 'shop.global-abcdefghijkl.global.rds.amazonaws.com'
const VIRGINIA = 'shop-1.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const IRELAND = 'shop-2.cluster-mnopqrstuvwx.eu-west-1.rds.amazonaws.com'

describe.each([
  ['pg', pgPool(pg)],
  ['postgres.js', postgresJs(postgres)],
  ['mysql2', mysql2Pool(mysql)],
  ['mariadb', mariadbPool(mariadb)],
])('a global endpoint with %s', (_, { engine, open }) => {
  const servers = dns.getServers()
  const { AWS_REGION } = process.env
  let names: TestDns
  let virginia: TestEndpoint
  let ireland: TestEndpoint

  beforeEach(async () => {
    names = await startDns()
    dns.setServers([names.address])
    virginia = await startEndpoint({ engine, endpoints: [VIRGINIA], host: '127.0.0.2' })
    const { port, identity } = virginia
    ireland = await startEndpoint({
      engine,
      endpoints: [IRELAND],
      region: 'eu-west-1',
      host: '127.0.0.3',
      port,
      identities: [identity],
    })
    const addresses: Record<string, string> = { [VIRGINIA]: '127.0.0.2', [IRELAND]: '127.0.0.3' }
    const { lookup } = dns
    vi.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: [dns.LookupOptions, () => void]) =>
      lookup(addresses[host] ?? host, ...rest)) as typeof dns.lookup)
    // The region of the process is neither of the two.
    process.env['AWS_REGION'] = 'ap-south-1'
  })
  afterEach(async () => {
    if (AWS_REGION === undefined) delete process.env['AWS_REGION']
    else process.env['AWS_REGION'] = AWS_REGION
    vi.restoreAllMocks()
    dns.setServers(servers)
    await Promise.all([virginia.close(), ireland.close(), names.close()])
  })

  const openPool = () => {
    const { region: _region, ...iam } = virginia.options.iam ?? {}
    const ssl = { ca: virginia.ca + ireland.ca }
    return open({ ...virginia.options, host: GLOBAL, ssl, iam: { ...iam, followCname: true } }, 2)
  }

  it('dials and signs for the new primary cluster after a switchover to another region', async () => {
    names.aliases.set(GLOBAL, VIRGINIA)
    const db = openPool()
    await db.transaction(async (sql) => {
      await sql('select 1')
      expect(ireland.logins).toEqual([])
      names.aliases.set(GLOBAL, IRELAND)
      await db.transaction((other) => other('select 1'))
    })
    await db.close()
    expect(virginia.logins).toMatchObject([{ verdict: 'accepted' }])
    expect(ireland.logins).toMatchObject([{ verdict: 'accepted' }])
  })

  it('rejects and asks for iam.region when DNS shows no cluster behind it', async () => {
    const db = openPool()
    const error = ours(await rejection(db.sql('select 1')))
    await db.close()
    expect(error).toMatchObject({
      code: 'ENDPOINT_UNKNOWN',
      message: expect.stringContaining(
        `${GLOBAL} has no CNAME. Give the primary cluster's region in iam.region`,
      ),
    })
  })
})
