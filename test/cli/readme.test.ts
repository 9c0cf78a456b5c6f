// The README shows what a run printed: `UPDATE_README=1 npx vitest run --root test cli/readme` writes it anew.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startCredentialEndpoints } from '../support/credential-endpoints/credential-endpoints'
import { rdsIam } from './command'
import { onTerminal } from './terminal'

const README = fileURLToPath(new URL('../../packages/cli/README.md', import.meta.url))
const SHOWN = /(<!-- test\/cli\/readme\.test\.ts -->\n```console\n\$ rds-iam ([^\n]*)\n)(.*?)(```)/s
const NAME = 'shop.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'a-secret-access-key', users: ['john'] }

let directory: string
let rds: LocalRds
let sts: Awaited<ReturnType<typeof startCredentialEndpoints>>
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'readme-'))
  sts = await startCredentialEndpoints()
  rds = await startLocalRds({
    engine: 'postgres',
    backend: inject('postgresUrl'),
    endpoints: [NAME],
    identities: [KEYS],
  })
  writeFileSync(join(directory, 'ca.pem'), rds.ca)
})
afterAll(async () => {
  await Promise.all([rds.close(), sts.close()])
  rmSync(directory, { recursive: true })
})

const surroundings = () => ({ ...rds.env, AWS_ENDPOINT_URL_STS: sts.url, NO_COLOR: '1' })

/** The words that the README shows, with what a run on this machine needs in place of them. */
const runnable = (shown: string) => [
  ...shown.split(' ').map((word) => (word === '6543' ? String(rds.port) : word)),
  '--ca',
  join(directory, 'ca.pem'),
]

/** What differs from run to run, as the README has it. */
const settled = (output: string) =>
  output
    .replaceAll(new URL(sts.url).host, 'sts.us-east-1.amazonaws.com')
    .replaceAll(`localhost:${rds.port}`, 'localhost:6543')
    .replace(/\b20\d\d-\d\d-\d\dT[\d:.]+Z/g, '2026-01-01T12:15:00.000Z')

test('shows what doctor prints', async () => {
  const readme = readFileSync(README, 'utf8')
  const [, , shown = '', output] = SHOWN.exec(readme) ?? []
  const { stdout } = await rdsIam(runnable(shown), surroundings())
  if (process.env['UPDATE_README'])
    writeFileSync(
      README,
      readme.replace(SHOWN, (_, head, __, ___, tail) => head + settled(stdout) + tail),
    )
  else expect(settled(stdout)).toBe(output)
})

test('a terminal sees each check begin, and the same in the end', async () => {
  const [, , shown = '', output = ''] = SHOWN.exec(readFileSync(README, 'utf8')) ?? []
  const printed = settled(await onTerminal(runnable(shown), surroundings()))
  expect(printed).toContain('… dns\r\u001b[2K✓ dns')
  expect(printed.replaceAll(/… \w+\r\u001b\[2K/g, '').replaceAll('\r\n', '\n')).toBe(output)
})

test('a terminal without NO_COLOR has colours', async () => {
  const { NO_COLOR: _, ...coloured } = surroundings()
  expect(await onTerminal(['doctor', '--host', NAME, '--user', 'x', '--port', '1'], coloured)).toMatch(
    /\u001b\[3[12]m[✓✗]\u001b\[0m/,
  )
})
