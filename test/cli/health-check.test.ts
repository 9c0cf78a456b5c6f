import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startEndpoint } from '../contract/endpoint'

const tsx = fileURLToPath(new URL('../node_modules/tsx/dist/loader.mjs', import.meta.url))

it('runs: test/examples/docs/health-check.ts', async () => {
  const rds = await startEndpoint({ engine: 'postgres' })
  rds.setIdentities([{ ...rds.identity, users: ['john'] }])
  const folder = mkdtempSync(join(tmpdir(), 'rds-iam-example-'))
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, rds.ca)
  const own = Object.entries(process.env).filter(([key]) => !/^(AWS|PG|NODE)_?/.test(key))
  const child = spawn(process.execPath, ['--import', tsx, 'examples/docs/health-check.ts'], {
    cwd: new URL('../', import.meta.url),
    env: {
      ...Object.fromEntries(own),
      ...rds.env,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1',
      NODE_EXTRA_CA_CERTS: ca,
      DB_HOST: 'localhost',
      PGPORT: `${rds.port}`,
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  const printed = async (pattern: RegExp) => {
    while (!pattern.test(output)) await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
    return pattern.exec(output)
  }

  const [, port] = (await printed(/port: (\d+)/)) ?? []
  const check = async () => (await fetch(`http://127.0.0.1:${port}/`)).status
  expect(await check()).toBe(503)
  await printed(/USER_NOT_ALLOWED: the server asked for a token and refused it.*\nAllow it in the IAM policy/)
  rds.setIdentities([rds.identity])
  expect(await check()).toBe(200)
  expect(output).not.toContain('X-Amz')
  child.kill()
  await once(child, 'close')
  await rds.close()
  rmSync(folder, { recursive: true })
})
