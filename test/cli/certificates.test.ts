import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFile,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { rdsIam } from './command'

const regionCa = async (region: string) =>
  (await generate([{ name: 'commonName', value: `Amazon RDS ${region} Root CA ECC384 G1` }])).cert.trim()

describe('certificates', () => {
  const server = createServer((_, response) => {
    response.writeHead(answer.status).end(answer.body)
  })
  let answer: { status: number; body: string }
  let known: string
  let unknown: string
  let url: string
  let cwd: string

  beforeAll(async () => {
    ;[known, unknown] = await Promise.all([regionCa('us-east-1'), regionCa('xx-nowhere-1')])
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundle.pem`
    cwd = mkdtempSync(join(tmpdir(), 'certificates-'))
  })
  afterAll(() => {
    rmSync(cwd, { recursive: true })
    server.close()
  })
  beforeEach(() => {
    answer = { status: 200, body: `${known}\n${unknown}\n` }
  })

  const certificates = (...args: string[]) => rdsIam(['certificates', '--from', url, ...args], {}, { cwd })

  test('writes the bundle, and names the regions that are not built in', async () => {
    const outcome = await certificates('--out', 'ca.pem')
    expect(outcome).toMatchObject({ status: 0, stderr: '' })
    expect(outcome.stdout).toBe(
      `ca.pem: 2 certificates (0 expired) for 2 regions, from ${url}\n` +
        'Not built in: xx-nowhere-1 (use --ca ca.pem; in code: ssl.ca)\n',
    )
    expect(readFileSync(join(cwd, 'ca.pem'), 'utf8')).toBe(answer.body)
  })

  test('writes the bundle to standard output, and the report to standard error', async () => {
    const outcome = await certificates('--out', '-')
    expect(outcome).toMatchObject({ status: 0, stdout: answer.body })
    expect(outcome.stderr).toMatch(/^standard output: 2 certificates .*--ca FILE/s)
    expect(readdirSync(cwd)).not.toContain('-')
  })

  test("uses AWS's file name by default, and prints the report as JSON with --json", async () => {
    const { stdout } = await certificates('--region', 'us-east-1', '--json')
    expect(JSON.parse(stdout)).toEqual({
      file: 'us-east-1-bundle.pem',
      from: url,
      certificates: 2,
      expired: 0,
      regions: ['us-east-1', 'xx-nowhere-1'],
      missing: ['xx-nowhere-1'],
    })
  })

  test.each([
    ['an error', () => ({ status: 503, body: 'later' }), 'HTTP 503'],
    ['a page', () => ({ status: 200, body: '<html>' }), 'contains no certificate'],
    ['a truncated bundle', () => ({ status: 200, body: answer.body.slice(0, -100) }), 'is truncated'],
    [
      'a bundle with control characters',
      () => ({ status: 200, body: `\u001b[2J\n${answer.body}` }),
      'is not plain text',
    ],
    [
      'a certificate that does not parse',
      () => ({ status: 200, body: answer.body.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA') }),
      'certificate 1 of',
    ],
  ])('keeps the old file when the answer is %s', async (_, fault, message) => {
    writeFileSync(join(cwd, 'kept.pem'), 'old')
    const before = readdirSync(cwd)
    answer = fault()
    const outcome = await certificates('--out', 'kept.pem')
    expect(outcome).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining(message) })
    expect(readFileSync(join(cwd, 'kept.pem'), 'utf8')).toBe('old')
    expect(readdirSync(cwd)).toEqual(before)
  })

  test('refuses a bundle for other regions', async () => {
    const outcome = await certificates('--region', 'eu-west-1')
    expect(outcome).toMatchObject({ status: 1, stderr: expect.stringContaining('none for eu-west-1') })
  })

  test('keeps the old file when the disk is full', async () => {
    writeFileSync(join(cwd, 'kept.pem'), 'old')
    const before = readdirSync(cwd)
    // The limit is one block of 512 or 1,024 bytes: the system writes a part of the bundle, and then fails.
    answer = { status: 200, body: answer.body.repeat(2) }
    const outcome = await rdsIam(
      ['certificates', '--from', url, '--out', 'kept.pem'],
      {},
      { cwd, limit: 'ulimit -f 1' },
    )
    expect(outcome).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'rds-iam: kept.pem cannot be written: EFBIG\n',
    })
    expect(readFileSync(join(cwd, 'kept.pem'), 'utf8')).toBe('old')
    expect(readdirSync(cwd)).toEqual(before)
  })

  test.each([
    ['600', 0o600],
    ['664', 0o664],
  ])('keeps the mode %s of a file that it replaces', async (name, mode) => {
    const file = join(cwd, `mode-${name}.pem`)
    writeFileSync(file, 'old')
    chmodSync(file, mode)
    expect(await certificates('--out', file)).toMatchObject({ status: 0 })
    expect(readFileSync(file, 'utf8')).toBe(answer.body)
    expect(statSync(file).mode & 0o777).toBe(mode)
  })

  test('keeps a link and replaces the file that it names', async () => {
    writeFileSync(join(cwd, 'linked.pem'), 'old')
    symlinkSync('linked.pem', join(cwd, 'link.pem'))
    expect(await certificates('--out', 'link.pem')).toMatchObject({ status: 0 })
    expect(readlinkSync(join(cwd, 'link.pem'))).toBe('linked.pem')
    expect(readFileSync(join(cwd, 'linked.pem'), 'utf8')).toBe(answer.body)
  })

  test('writes into a FIFO', async () => {
    const fifo = join(cwd, 'fifo')
    execFileSync('mkfifo', [fifo])
    const read = promisify(readFile)(fifo, 'utf8')
    expect(await certificates('--out', 'fifo')).toMatchObject({ status: 0 })
    expect(statSync(fifo).isFIFO()).toBe(true)
    expect(await read).toBe(answer.body)
  })

  test('names the file that it cannot write', async () => {
    const outcome = await certificates('--out', 'nowhere/ca.pem')
    expect(outcome).toMatchObject({
      status: 1,
      stderr: 'rds-iam: nowhere/ca.pem cannot be written: ENOENT\n',
    })
  })
})
