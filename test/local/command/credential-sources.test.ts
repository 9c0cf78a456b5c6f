import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { fromNodeProviderChain } from '@aws-sdk/credential-providers'
import { createTokenProvider } from '@rds-iam/core'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { failure } from '../failure'
import { whoInPostgres } from './client'
import { createScratch, readiness, runCommand, type Readiness, type RunningCommand } from './command'

const SOURCES = ['imds', 'container', 'webIdentity'] as const
type Source = (typeof SOURCES)[number]

let scratch: ReturnType<typeof createScratch>
let command: RunningCommand
let ready: Readiness

beforeEach(() => {
  scratch = createScratch()
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('HOME', scratch.path)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  command.child.kill('SIGKILL')
  await command.ended
  scratch.remove()
})

async function start(...args: string[]): Promise<void> {
  command = runCommand(scratch.path, ['--json', '--backend', inject('postgresUrl'), ...args])
  ready = await readiness(command)
}

/** What AWS's own chain of providers finds with the variables that the command printed for a source. */
async function credentialsOf(source: Source, limits: { maxRetries?: number } = {}) {
  for (const [name, value] of Object.entries(ready.credentials?.[source] ?? {})) vi.stubEnv(name, value)
  return fromNodeProviderChain(limits)()
}

/** Logs in with what the source gives, and tells what the command says of it. */
async function login(source: Source): Promise<unknown> {
  const { accessKeyId, secretAccessKey, sessionToken = '' } = await credentialsOf(source)
  const { host, port, user, region } = ready
  const credentials = { accessKeyId, secretAccessKey, sessionToken }
  const { value } = await createTokenProvider({ host, port, user, region, credentials }).getToken()
  await whoInPostgres(ready, { password: value }).catch((error: unknown) =>
    expect(error).toMatchObject({ code: '28000' }),
  )
  const event = JSON.parse((await command.line()) ?? '') as Record<string, unknown>
  expect(event).toMatchObject({ accessKeyId })
  return event.reason ?? event.verdict
}

async function control(method: string, change?: unknown) {
  const { url, token } = ready.control ?? {}
  const body = change === undefined ? {} : { body: JSON.stringify(change) }
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${url}/credentials`, { method, headers, ...body })
  return { status: response.status, body: (await response.json()) as unknown }
}

describe('the credential endpoints of the command', () => {
  test.each(SOURCES)('give an AWS SDK what it logs in with: %s', async (source) => {
    await start('--credentials')
    expect(await login(source)).toBe('accepted')
    const { expiration } = await credentialsOf(source)
    expect(Number(expiration) - Date.now()).toBeGreaterThan(3_500_000)
  })

  test('live as long as the flag says, or the control endpoint', async () => {
    await start('--credentials', '--credentials-lifetime', '90s')
    const before = Date.now()
    const first = Number((await credentialsOf('container')).expiration) - before
    expect(first).toBeLessThan(120_000)
    expect(await control('PATCH', { lifetimeMs: 600_000 })).toMatchObject({ body: { lifetimeMs: 600_000 } })
    const second = Number((await credentialsOf('container')).expiration) - before
    expect(second).toBeGreaterThan(500_000)
  })

  test('are not there unless they are asked for', async () => {
    await start()
    expect(ready).not.toHaveProperty('credentials')
    for (const method of ['GET', 'PATCH'])
      expect(await control(method)).toEqual({
        status: 404,
        body: { error: 'the endpoint was started without credential endpoints' },
      })
  })

  test('end with the command, a request that hangs and the file too', async () => {
    await start('--credentials')
    const file = ready.credentials?.webIdentity.AWS_WEB_IDENTITY_TOKEN_FILE ?? ''
    expect(existsSync(file)).toBe(true)
    await control('PATCH', { faults: { imds: 'hang' } })
    const { port } = new URL(ready.credentials?.imds.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? '')
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {}).resume()
    socket.write('GET /latest/ HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'connect')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    command.child.kill('SIGTERM')
    expect(await command.ended).toMatchObject({ status: 0, stderr: '' })
    await closed
    expect(readdirSync(scratch.path)).toEqual([])
  })
})

describe('a fault that is switched on while it runs', () => {
  const sourceNames = { imds: 'imds', container: 'container', webIdentity: 'sts' } as const
  const broken = (source: Source, fault: unknown) =>
    control('PATCH', { faults: { [sourceNames[source]]: fault } })

  test.each(SOURCES)('reaches the SDK, and is gone when it is switched off: %s', async (source) => {
    await start('--credentials')
    await broken(source, 'garbage')
    expect(await failure(credentialsOf(source, { maxRetries: 0 }))).toBeInstanceOf(Error)
    await broken(source, { slowMs: 50 })
    expect(await login(source)).toBe('accepted')
    await broken(source, 'error')
    expect(await failure(credentialsOf(source, { maxRetries: 0 }))).toBeInstanceOf(Error)
    await broken(source, null)
    expect(await login(source)).toBe('accepted')
  })

  test.each(['container', 'webIdentity'] as const)(
    'may be credentials that have ended: %s',
    async (source) => {
      await start('--credentials')
      await broken(source, 'expired')
      expect(await login(source)).toBe('IDENTITY_EXPIRED')
    },
  )

  test.each(SOURCES)('may be silence, until the command ends: %s', async (source) => {
    await start('--credentials')
    await broken(source, 'hang')
    const failed = failure(credentialsOf(source, { maxRetries: 0 }))
    const asked = async () => (await control('GET')).body as { requests: Record<string, number> }
    while ((await asked()).requests[sourceNames[source]] === 0);
    command.child.kill('SIGTERM')
    expect(await failed).toBeInstanceOf(Error)
  })

  test('is shown, with how often each source was asked', async () => {
    await start('--credentials')
    await broken('container', 'error')
    await failure(credentialsOf('container', { maxRetries: 0 }))
    const { status, body } = await control('GET')
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        url: ready.credentials?.imds.AWS_EC2_METADATA_SERVICE_ENDPOINT,
        lifetimeMs: 3_600_000,
        faults: { imds: null, container: 'error', sts: null },
        requests: { imds: 0, container: expect.any(Number), sts: 0 },
      },
    })
  })

  test.each([
    [{ faults: { s3: 'hang' } }, 'a source must be one of imds, container, sts'],
    [
      { faults: { sts: 'hung' } },
      'a fault must be one of hang, error, error-once, garbage, expired, or { slowMs }',
    ],
    [
      { faults: { sts: { slowMs: -1 } } },
      'a fault must be one of hang, error, error-once, garbage, expired, or { slowMs }',
    ],
    [{ faults: [] }, 'faults must be an object'],
    [{ lifetimeMs: 5 }, 'lifetimeMs must be a number of milliseconds, from a second to a year'],
    [{ lifetimeMs: '5' }, 'lifetimeMs must be a number'],
    [{ fault: 'hang' }, 'fault is unknown'],
  ])('must be one that there is: %j', async (change, error) => {
    await start('--credentials')
    const before = await control('GET')
    const wrong = { ...change, faults: { container: 'hang', ...(change as { faults?: object }).faults } }
    const tried = 'faults' in change && Array.isArray(change.faults) ? change : wrong
    expect(await control('PATCH', tried)).toEqual({ status: 400, body: { error } })
    expect(await control('GET')).toEqual(before)
  })
})

test('people read the variables of each source in one line', async () => {
  command = runCommand(scratch.path, ['--backend', inject('postgresUrl'), '--credentials', '--no-control'])
  let block = ''
  while (!block.includes('web identity')) block += `${await command.line()}\n`
  const url = /imds {10}AWS_EC2_METADATA_SERVICE_ENDPOINT=(\S+)/.exec(block)?.[1] ?? ''
  const shown = block
    .slice(block.indexOf('Or with'))
    .replaceAll(url, 'URL')
    .replace(/[\w-]{8}-[\w-]+/, 'ID')
    .replace(/(_TOKEN=)\S+/, '$1TOKEN')
    .replace(/(_FILE=)\S+/, '$1FILE')
  expect(shown).toMatchInlineSnapshot(`
    "Or with short-lived credentials, where the keys above are not set:

      imds          AWS_EC2_METADATA_SERVICE_ENDPOINT=URL AWS_REGION=us-east-1
      container     AWS_CONTAINER_CREDENTIALS_FULL_URI=URL/v2/credentials/ID AWS_CONTAINER_AUTHORIZATION_TOKEN=TOKEN AWS_REGION=us-east-1
      web identity  AWS_ROLE_ARN=arn:aws:iam::123456789012:role/test AWS_WEB_IDENTITY_TOKEN_FILE=FILE AWS_ENDPOINT_URL_STS=URL AWS_REGION=us-east-1
    "
  `)
})
