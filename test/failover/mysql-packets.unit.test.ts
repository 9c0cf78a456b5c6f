import { expect, it } from 'vitest'
import {
  encodeLogin,
  encodePacket,
  encodeQuery,
  isEnd,
  offersTls,
  QUIT,
  readError,
  readRow,
  requestsPassword,
} from '../../packages/core/src/cluster/mysql-packets'

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)))

it('puts a header before a payload', () => {
  expect(QUIT).toEqual(bytes([1, 0, 0, 0, 1]))
  expect(encodeQuery('select 1')).toEqual(bytes([9, 0, 0, 0, 3], 'select 1'))
  const payload = Buffer.alloc(300)
  expect(encodePacket(7, payload)).toEqual(bytes([44, 1, 0, 7], [...payload]))
})

it.each([
  ['with TLS', 10, 0x88, true],
  ['without TLS', 10, 0x80, false],
  ['of another version of the protocol', 9, 0x88, false],
])('reads a greeting %s', (_, version, highByte, offered) => {
  const greeting = bytes([version], '8.0.39\0', [1, 0, 0, 0], 'challeng\0', [0, highByte, 45, 2, 0])
  expect(offersTls(greeting)).toBe(offered)
})

it('puts the token after its length, and names the plugin', () => {
  const token = 'x'.repeat(1_000)
  expect(encodeLogin('app', token).subarray(32)).toEqual(
    bytes('app\0', [0xfc, 0xe9, 0x03], `${token}\0`, 'mysql_clear_password\0'),
  )
})

it.each([
  ['a request for a clear-text password', bytes([0xfe], 'mysql_clear_password\0', 'challenge'), true],
  ['a request for another password', bytes([0xfe], 'mysql_native_password\0', 'challenge'), false],
  ['a request without a plugin', bytes([0xfe]), false],
  ['an OK packet', bytes([0, 0, 0, 2, 0, 0, 0]), false],
  ['an OK packet with the name of the plugin', bytes([0], 'mysql_clear_password\0'), false],
])('recognises %s', (_, payload, expected) => {
  expect(requestsPassword(payload)).toBe(expected)
})

it.each([
  ['with an SQL state', bytes([0xff, 0x15, 0x04], '#28000Access denied'), 1045, 'Access denied'],
  ['before the greeting', bytes([0xff, 0x10, 0x04], 'Too many connections'), 1040, 'Too many connections'],
])('reads an error %s', (_, payload, errno, message) => {
  expect(readError(payload)).toMatchObject({ errno, message })
})

it.each([
  ['short values and NULL', bytes([1], '0', [0xfb], [0], [5], 'shop1'), ['0', null, '', 'shop1']],
  ['a value of 300 bytes', bytes([0xfc, 44, 1], 'x'.repeat(300), [1], 'y'), ['x'.repeat(300), 'y']],
  ['a value of 70,000 bytes', bytes([0xfd, 0x70, 0x11, 1], 'x'.repeat(70_000)), ['x'.repeat(70_000)]],
])('reads a row with %s', (_, payload, values) => {
  expect(readRow(payload)).toEqual(values)
})

it('tells the end of a result from a row with a long first value', () => {
  expect(isEnd(bytes([0xfe, 0, 0, 2, 0]))).toBe(true)
  expect(isEnd(bytes([0, 0, 0, 2, 0]))).toBe(false)
  expect(isEnd(bytes([0xfe, 1, 0, 0, 1, 0, 0, 0, 0]))).toBe(false)
  expect(isEnd(bytes([0xfe, 1, 0, 0, 1, 0, 0, 0, 0], 'a very long value'))).toBe(false)
})
