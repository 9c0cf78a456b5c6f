import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

  test('writes the bundle, and says what is not built in', async () => {
    const outcome = await certificates('--out', 'ca.pem')
    expect(outcome).toMatchObject({ status: 0, stderr: '' })
    expect(outcome.stdout).toBe(
      `ca.pem: 2 certificates (0 expired) for 2 regions, from ${url}\n` +
        'Not built in: xx-nowhere-1 (there: --ca ca.pem; in code: ssl.ca)\n',
    )
    expect(readFileSync(join(cwd, 'ca.pem'), 'utf8')).toBe(answer.body)
  })

  test('writes to standard output', async () => {
    const outcome = await certificates('--out', '-')
    expect(outcome).toMatchObject({ status: 0, stdout: answer.body })
    expect(outcome.stderr).toMatch(/^standard output: 2 certificates .*--ca FILE/s)
    expect(readdirSync(cwd)).not.toContain('-')
  })

  test("has AWS's name of the file, and --json", async () => {
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
    ['a page', () => ({ status: 200, body: '<html>' }), 'holds no certificate'],
    ['a bundle that is cut off', () => ({ status: 200, body: answer.body.slice(0, -100) }), 'is cut off'],
    [
      'what cannot be read',
      () => ({ status: 200, body: answer.body.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA') }),
      'certificate 1 of',
    ],
  ])('keeps the file there is when the answer is %s', async (_, fault, message) => {
    writeFileSync(join(cwd, 'kept.pem'), 'old')
    const before = readdirSync(cwd)
    answer = fault()
    const outcome = await certificates('--out', 'kept.pem')
    expect(outcome).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining(message) })
    expect(readFileSync(join(cwd, 'kept.pem'), 'utf8')).toBe('old')
    expect(readdirSync(cwd)).toEqual(before)
  })

  test('refuses a bundle of other regions', async () => {
    const outcome = await certificates('--region', 'eu-west-1')
    expect(outcome).toMatchObject({ status: 1, stderr: expect.stringContaining('none for eu-west-1') })
  })

  test('says where it cannot write', async () => {
    const outcome = await certificates('--out', 'nowhere/ca.pem')
    expect(outcome).toMatchObject({
      status: 1,
      stderr: 'rds-iam: nowhere/ca.pem cannot be written: ENOENT\n',
    })
  })
})
