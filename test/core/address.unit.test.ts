import { createTokenProvider } from '@rds-iam/core'
import { isLoopback, readAddress } from '@rds-iam/core/internal'
import { describe, expect, it } from 'vitest'

/** The first line of an error's message. A second line links to the documentation. */
function messageOf(call: () => unknown): string | undefined {
  try {
    call()
  } catch (error) {
    return (error as Error).message.split('\n')[0]
  }
  return undefined
}

const good = { host: 'db.example', port: 5432, user: 'app' }

describe('readAddress', () => {
  it.each([
    ['db.example', { host: 'db.example' }],
    ['DB.Example.', { host: 'db.example' }],
    ['_x', { host: '_x' }],
    ['a'.repeat(253), { host: 'a'.repeat(253) }],
    ['bücher.example', { host: 'bücher.example' }],
    ['नमस्ते.example', { host: 'नमस्ते.example' }],
    ['db.example:1', { host: 'db.example', port: 1 }],
    ['db.example:65535', { host: 'db.example', port: 65_535 }],
    ['10.0.0.1:5432', { host: '10.0.0.1', port: 5432 }],
    ['::1', { host: '::1' }],
    ['2001:DB8::7', { host: '2001:db8::7' }],
    ['[::1]', { host: '::1' }],
    ['[2001:db8::7]:5432', { host: '2001:db8::7', port: 5432 }],
  ])('reads %s', (text, address) => {
    expect(readAddress(text, 'endpoint')).toEqual(address)
  })

  it.each([
    [5432, 'give host or host:port'],
    [undefined, 'give host or host:port'],
    ['postgres://db.example', 'a URL: give host or host:port'],
    ['/var/run', 'a socket path: IAM logins need TLS over TCP'],
    ['a b', 'not a host name or an IP address'],
    ['-a', 'not a host name or an IP address'],
    ['a'.repeat(254), 'not a host name or an IP address'],
    ['1:2:3', 'not a host name or an IP address'],
    [' [::1]', 'not a host name or an IP address'],
    ['[1:2:3]', 'not a host name or an IP address'],
    ['[::1]x', 'not a host name or an IP address'],
    ['[::1', 'not a host name or an IP address'],
    ['x[::1]:5432', 'not a host name or an IP address'],
    ['db.example:', 'give a whole number from 1 to 65535 after the colon'],
    ['db.example:0', 'give a whole number from 1 to 65535 after the colon'],
    ['db.example:65536', 'give a whole number from 1 to 65535 after the colon'],
    ['db.example:5432x', 'give a whole number from 1 to 65535 after the colon'],
    ['db.example:x5432', 'give a whole number from 1 to 65535 after the colon'],
    ['db.example:005432', 'give a whole number from 1 to 65535 after the colon'],
    ['db.example:5\n', 'give a whole number from 1 to 65535 after the colon'],
    ['[::1]:x\n5', 'give a whole number from 1 to 65535 after the colon'],
    ['[::1]:543x', 'give a whole number from 1 to 65535 after the colon'],
  ])('rejects %j: %s', (text, reason) => {
    expect(messageOf(() => readAddress(text, 'endpoint'))).toBe(`endpoint: ${reason}`)
  })
})

describe('host and port', () => {
  it.each(['db.example', '[::1]', '::1', '[2001:db8::7]', '[2001:db8::17]'])(
    'accepts the host %s',
    (host) => {
      expect(() => createTokenProvider({ ...good, host })).not.toThrow()
    },
  )

  it.each([
    ['/var/run', 'a socket path: IAM logins need TLS over TCP'],
    ['https://db.example', 'a URL: give only the host name'],
    ['db.example:5432', 'give the port as `port`, not inside the host'],
    ['db.example:', 'give the port as `port`, not inside the host'],
    ['[::1]:5432', 'give the port as `port`, not inside the host'],
    ['db.example:x', 'not a host name or an IP address'],
    ['db.example:5432x', 'not a host name or an IP address'],
    ['a:b:5432', 'not a host name or an IP address'],
    ['x[::1]', 'not a host name or an IP address'],
    ['[db.example]', 'not a host name or an IP address'],
    ['[::1]x', 'not a host name or an IP address'],
  ])('rejects the host %j: %s', (host, reason) => {
    expect(messageOf(() => createTokenProvider({ ...good, host }))).toBe(`host: ${reason}`)
  })

  it.each(['', 5])('requires a host when it is %j', (host) => {
    expect(messageOf(() => createTokenProvider({ ...good, host: host as string }))).toContain(
      "give the endpoint's host name",
    )
  })

  it.each([1, 65_535, '1', '65535'])('accepts the port %j', (port) => {
    expect(() => createTokenProvider({ ...good, port: port as unknown as number })).not.toThrow()
  })

  it.each([0, 65_536, 1.5, NaN, '', '0', 'x1', '1x', '123456', ['5432'], true, null])(
    'rejects the port %j',
    (port) => {
      expect(messageOf(() => createTokenProvider({ ...good, port: port as unknown as number }))).toBe(
        'port: give a whole number from 1 to 65535',
      )
    },
  )
})

describe('isLoopback', () => {
  it.each([
    ['localhost', true],
    ['::1', true],
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['128.0.0.1', false],
    ['10.127.0.1', false],
    ['127.999.1.1', false],
    ['127.example', false],
    ['::2', false],
    ['localhost.example', false],
    ['', false],
  ])('of %j is %j', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })
})
