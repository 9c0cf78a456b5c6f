import { expect, it } from 'vitest'
import { ServerAnswers } from '../../packages/core/src/mysql2/server-answers'

const packet = (sequence: number, ...payload: number[]) =>
  Buffer.from([payload.length & 0xff, payload.length >> 8, 0, sequence, ...payload])
const text = (value: string) => [...Buffer.from(value)]

const ok = (status: number, affected: number[] = [1], insertId: number[] = [0]) =>
  packet(1, 0, ...affected, ...insertId, status, 0, 0, 0)
const eof = (sequence: number, status: number) => packet(sequence, 0xfe, 0, 0, status, 0)
const error = (errno: number, message: string) =>
  packet(1, 0xff, errno & 0xff, errno >> 8, ...text(`#HY000${message}`))
const rows = (status: number) =>
  Buffer.concat([
    packet(1, 1),
    packet(2, 3, ...text('def')),
    eof(3, status),
    packet(4, 1, 49),
    eof(5, status),
  ])
const prepared = Buffer.from([12, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

const READ_ONLY =
  'The MySQL server is running with the --read-only option so it cannot execute this statement'

it.each([
  ['BEGIN', [ok(3)], true],
  ['COMMIT', [ok(3), ok(2)], false],
  ['an INSERT of 300 rows with a large identifier', [ok(3, [0xfc, 44, 1], [0xfd, 1, 2, 3])], true],
  ['an INSERT with an identifier of eight bytes', [ok(3, [1], [0xfe, 1, 2, 3, 4, 5, 6, 7, 8])], true],
  ['a SELECT', [rows(3)], true],
  ['a SELECT in two parts', [rows(3).subarray(0, 20), rows(3).subarray(20)], true],
  ['several statements', [Buffer.concat([ok(10), ok(3)])], true],
  ['a part that ends inside a row', [ok(3), rows(2).subarray(0, 24)], true],
  ['a prepared statement without parameters', [ok(3), prepared], true],
  [
    'a prepared statement with a parameter',
    [Buffer.concat([packet(1, ...prepared.subarray(4)), eof(2, 3)])],
    true,
  ],
  ['an error in a transaction', [ok(3), error(1062, 'Duplicate entry')], true],
])('knows whether a transaction is open after %s', (_, chunks, expected) => {
  const answers = new ServerAnswers()
  for (const chunk of chunks) answers.read(chunk)
  expect(answers).toMatchObject({ isInTransaction: expected, isReader: false })
})

it.each([
  ['1290 with read-only in its text', [error(1290, READ_ONLY)], true],
  ['1836', [error(1836, 'Running in read-only mode')], true],
  ['1290 after other statements', [Buffer.concat([ok(10), error(1290, READ_ONLY)])], true],
  [
    '1290 for another option',
    [error(1290, 'The MySQL server is running with the --secure-file-priv option')],
    false,
  ],
  ['1792', [error(1792, 'Cannot execute statement in a READ ONLY transaction.')], false],
  ['another error that mentions read-only', [error(1064, READ_ONLY)], false],
  ['the same bytes in a row', [Buffer.concat([error(1290, READ_ONLY), Buffer.from([1])])], false],
])('recognises a reader by %s', (_, chunks, expected) => {
  const answers = new ServerAnswers()
  for (const chunk of chunks) answers.read(chunk)
  expect(answers.isReader).toBe(expected)
})

it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('reads no further than a part of %i bytes', (size) => {
  const answers = new ServerAnswers()
  answers.read(error(1290, READ_ONLY).subarray(0, size))
  answers.read(ok(3).subarray(0, size))
  expect(answers).toMatchObject({ isReader: false, isInTransaction: false })
})
