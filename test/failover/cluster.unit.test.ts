import { parseEndpoint } from '@rds-iam/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Instances, leastUsed } from '../../packages/core/src/cluster/instances'
import { readClusterNames } from '../../packages/core/src/cluster/cluster-names'
import { isOutage, isUnusable } from '../../packages/core/src/cluster/failures'
import { readAnswer } from '../../packages/core/src/cluster/postgres-probe'
import type { Member } from '../../packages/core/src/cluster/probe'

const domain = 'abc.eu-west-1.rds.amazonaws.com'

describe('the names of a cluster', () => {
  const read = (host: string) => {
    const { writer, reader, instance } = readClusterNames(parseEndpoint(host)) ?? {}
    return [writer, reader, instance?.('Shop-2')]
  }
  const china = 'abc.rds.cn-north-1.amazonaws.com.cn'

  it.each([
    [
      'its writer endpoint',
      `shop.cluster-${domain}`,
      [`shop.cluster-${domain}`, `shop.cluster-ro-${domain}`],
    ],
    [
      'its reader endpoint',
      `shop.cluster-ro-${domain}`,
      [`shop.cluster-${domain}`, `shop.cluster-ro-${domain}`],
    ],
    ['a custom endpoint', `some.cluster-custom-${domain}`, [`some.cluster-custom-${domain}`, undefined]],
    ['an instance', `shop-1.${domain}`, [`shop-1.${domain}`, undefined]],
  ])('are read from %s', (_, host, names) => {
    expect(read(host)).toEqual([...names, `shop-2.${domain}`])
  })

  it('are read where the region follows the service', () => {
    expect(read(`shop.cluster-${china}`)).toEqual([
      `shop.cluster-${china}`,
      `shop.cluster-ro-${china}`,
      `shop-2.${china}`,
    ])
  })

  it.each([`some.proxy-${domain}`, `some.shardgrp-${domain}`, 'localhost', 'db.internal'])(
    'are not read from %s',
    (host) => {
      expect(readClusterNames(parseEndpoint(host))).toBe(undefined)
    },
  )

  it.each(['evil.example.com/', 'a.b', '', '-', 'a_b'])(
    'do not include a foreign host for the instance %j',
    (name) => {
      expect(readClusterNames(parseEndpoint(`shop.cluster-${domain}`))?.instance(name)).toBe(undefined)
    },
  )
})

describe('the answer of a PostgreSQL server', () => {
  it('has the role, the instance and the list of instances', () => {
    expect(
      readAnswer([
        ['t', 'off', 'default'],
        ['shop-2'],
        ['shop-1', 'MASTER_SESSION_ID', undefined, '900'],
        ['shop-2', 'some-session', '12.5', '1'],
        ['removed', 'other-session', '0', '301'],
      ]),
    ).toEqual({
      isWriter: false,
      instance: 'shop-2',
      members: [
        { instance: 'shop-1', isWriter: true },
        { instance: 'shop-2', isWriter: false, lagMs: 12.5 },
      ],
    })
  })

  it("has the role alone without Aurora's functions", () => {
    expect(readAnswer([['f', 'off', 'default']])).toEqual({ isWriter: true, members: [] })
  })

  it.each([
    ['the server', 'configuration file', false],
    ['the user', 'user', true],
    ['the database', 'database', true],
  ])(
    'is that of a writer unless transactions are read-only: when %s makes them so',
    (_, source, isWriter) => {
      expect(readAnswer([['f', 'on', source]])).toEqual({
        isWriter,
        ...(isWriter ? {} : { isReadOnly: true }),
        members: [],
      })
    },
  )
})

it.each([
  ['a reset connection', { code: 'ECONNRESET', errno: -104 }, true, false],
  ['a broken pipe', { code: 'EPIPE', errno: -32 }, true, false],
  ['a closed connection', {}, true, false],
  ['a server of PostgreSQL that stops', { code: '57P01' }, true, false],
  ['a server of MySQL that stops', { code: 'ER_SERVER_SHUTDOWN', errno: 1053 }, true, false],
  ['a server of PostgreSQL that crashed', { code: '57P02' }, true, false],
  ['a server of PostgreSQL that starts', { code: '57P03' }, true, false],
  ['too many connections', { code: '53300' }, false, false],
  ['an unknown function', { code: '42883' }, false, false],
  ['a statement that is not supported', { code: '0A000' }, false, false],
  ['an unknown database', { code: '3D000' }, false, true],
  ['a session that PostgreSQL ended because it was idle', { code: '57P05' }, false, false],
  ['a connection that MySQL ended because it was idle', { code: 4031 }, false, false],
  ['an unknown name', { code: 'ENOTFOUND', errno: -3008 }, true, true],
  ['a certificate for another host', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, true, true],
  ['an unknown CA', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, true, true],
  ['a login that PostgreSQL refused', { code: '28000' }, false, true],
  ['a login that MySQL refused', { code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 }, false, true],
])('knows the meaning of %s', (_, fields, outage, unusable) => {
  const error = Object.assign(new Error(), fields)
  expect([isOutage(error), isUnusable(error)]).toEqual([outage, unusable])
})

describe('the instances of a cluster', () => {
  const [one, two] = [`one.${domain}`, `two.${domain}`]
  const writer = { instance: 'writer', isWriter: true }
  const reader = (instance: string, lagMs?: number) => ({
    instance,
    isWriter: false,
    ...(lagMs === undefined ? {} : { lagMs }),
  })
  const listing = (...members: Member[]) => {
    const instances = new Instances(readClusterNames(parseEndpoint(`shop.cluster-${domain}`))!)
    instances.set(members)
    return instances
  }
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it.each([
    ['no list', [], [], undefined, true],
    ['no reader', [writer], [], undefined, false],
    ['a reader that is ten seconds behind', [writer, reader('one', 10_000)], [], one, false],
    ['a reader that is further behind', [writer, reader('one', 10_001)], [], undefined, false],
    ['a reader that refuses logins', [writer, reader('one')], [one], undefined, true],
    ['another reader that accepts logins', [writer, reader('one'), reader('two')], [one], two, true],
  ])('choose a reader from a list with %s', (_, members, refused, host, isUnknown) => {
    expect(listing(...members).chooseReader([], (name) => refused.includes(name))).toEqual({
      host,
      isUnknown,
    })
  })

  it('choose a random one of the readers with the fewest connections', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    const instances = listing(reader('one'), reader('two'), reader('three'))
    expect(instances.chooseReader([`three.${domain}`], () => false).host).toBe(two)
  })

  it('leave out a reader for 30 seconds after it failed', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const instances = listing(reader('one'))
    instances.failed(one)
    expect(instances.chooseReader([], () => false).host).toBe(undefined)
    vi.setSystemTime(Date.now() + 30_000)
    expect(instances.chooseReader([], () => false).host).toBe(one)
  })

  it('keep the old list if the new one is empty, and ignore names that are not valid', () => {
    const instances = listing(reader('one'), reader('a.b'))
    instances.set([])
    expect(instances.hosts).toEqual([one])
    instances.set([reader('two')])
    expect(instances.hosts).toEqual([two])
  })

  it('are requested again after 30 seconds', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const instances = listing()
    const request = vi.fn(() => Promise.resolve())
    const first = instances.refresh(request)
    vi.setSystemTime(Date.now() + 29_999)
    expect(instances.refresh(request)).toBe(first)
    vi.setSystemTime(Date.now() + 1)
    expect(instances.refresh(request)).not.toBe(first)
    expect(request).toHaveBeenCalledTimes(2)
  })
})

it('gives the hosts with the fewest connections', () => {
  expect(leastUsed(['a', 'b', 'c'], ['a', 'b', 'a', 'other'])).toEqual(['c'])
  expect(leastUsed(['a', 'b'], [])).toEqual(['a', 'b'])
  expect(leastUsed([], ['a'])).toEqual([])
})
