import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startEndpoint } from '../contract/endpoint'
import { rejection } from '../contract/outcome'
import { bundleExample, runProgram, testExample } from './run-example'

testExample('nestjs', ['postgres'], ({ output }) => expect(output).toBe("{ database: 'up' }\n"))

it('stops at once and prints the reason when the login is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-'))
  const caFile = join(folder, 'ca.pem')
  const rds = await startEndpoint({ engine: 'postgres' })
  writeFileSync(caFile, rds.ca)
  const run = runProgram([await bundleExample('nestjs')], {
    ...rds.env,
    AWS_ACCESS_KEY_ID: 'AKIDNOBODY',
    NODE_EXTRA_CA_CERTS: caFile,
    DB_HOST: 'localhost',
    PGPORT: `${rds.port}`,
  })
  // The program exits with status 1. The error contains its output.
  const { message } = await rejection(run)
  expect(message).toContain(`localhost:${rds.port} refused a token for the user "jane_doe"`)
  expect(message).not.toContain('Retrying')
  expect(rds.logins).toMatchObject([{ verdict: 'refused' }])
  await rds.close()
  rmSync(folder, { recursive: true })
})
