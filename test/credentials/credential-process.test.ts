import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { testSource } from './contract'
import { testStage } from './scene'

// What a credential helper does: fetches credentials and prints them in the format of `credential_process`.
const HELPER = `
const { HELPER_URL: url, HELPER_AUTHORIZATION: authorization } = process.env
require('node:http').get(url, { headers: { authorization } }, async (response) => {
  let body = ''
  for await (const chunk of response) body += chunk
  if (response.statusCode !== 200) {
    console.error('the helper got ' + response.statusCode)
    process.exitCode = 3
  } else if (body.endsWith('}')) {
    const { Token: SessionToken, ...rest } = JSON.parse(body)
    console.log(JSON.stringify({ Version: 1, SessionToken, ...rest }))
  } else {
    console.log(body)
  }
})
`

testSource('a credential process', {
  endpoint: 'container',
  requestsPerFetch: 1,
  configure(stage, { env }) {
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } =
      env.container
    const command = `"${process.execPath}" "${stage.write('helper.cjs', HELPER)}"`
    stage.set({
      HELPER_URL: url ?? '',
      HELPER_AUTHORIZATION: token ?? '',
      AWS_CONFIG_FILE: stage.write('config', `[profile app]\ncredential_process = ${command}\n`),
      AWS_PROFILE: 'app',
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  },
  failure: /exited with status 3/,
  named: 'the credential_process of the profile "app" exited',
  timeoutMs: 3_000,
})

describe('a credential process', () => {
  const stage = testStage()

  function configure(script: string, ...args: string[]): void {
    const command = [process.execPath, stage.write('helper.cjs', script), ...args]
      .map((part) => `"${part}"`)
      .join(' ')
    stage.set({
      AWS_CONFIG_FILE: stage.write('config', `[profile app]\ncredential_process = ${command}\n`),
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  }
  const provider = (timeoutMs = 15_000) => stage.provider({ profile: 'app', timeoutMs })

  it.each([
    ['exits with a status', 'process.exit(7)', 'exited with status 7'],
    ['prints invalid JSON', 'console.log(\'{ "SecretAccessKey": "secretOnStdout\')', 'returned invalid JSON'],
  ])('that %s is reported without its command line and its output', async (_, end, expected) => {
    configure(`console.error('secretOnStderr'); ${end}`, '--password=secretOfTheCommandLine')
    stage.guard('secretOnStderr', 'secretOnStdout', 'secretOfTheCommandLine')
    const error = await stage.failure(provider().getToken())
    expect(error.code).toBe('CREDENTIALS_UNAVAILABLE')
    expect(error.message).toContain(expected)
    expect(error.message).toContain('app')
  })

  it("that fails is not replaced by the instance's role", async () => {
    const scene = await stage.startEndpoints()
    configure('process.exit(1)')
    stage.set({ ...scene.env.imds, AWS_EC2_METADATA_DISABLED: 'false' })
    expect((await stage.failure(provider().getToken())).message).toContain('exited with status 1')
    expect(scene.requests.imds).toBe(0)
  })

  it('that is slower than the timeout runs once, and its late result is kept', async () => {
    // It prints credentials when the file exists.
    configure(`
const { appendFileSync, existsSync } = require('node:fs')
appendFileSync(__dirname + '/started', 'x')
setInterval(() => {
  if (!existsSync(__dirname + '/answer')) return
  console.log(JSON.stringify({ Version: 1, AccessKeyId: 'ASIALATE', SecretAccessKey: 'secretAccessKeyThatCameLate' }))
  process.exit()
}, 20)`)
    const slow = provider(1_000)
    for (let attempt = 0; attempt < 3; attempt++) {
      expect((await stage.failure(slow.getToken())).code).toBe('TOKEN_TIMEOUT')
    }
    const started = stage.write('answer', '').replace(/answer$/, 'started')
    const token = await provider(1_000)
      .getToken()
      .catch(() => slow.getToken())
    expect(token.value).toContain('ASIALATE')
    expect(readFileSync(started, 'utf8')).toBe('x')
  })
})
