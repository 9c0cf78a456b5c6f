import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { startLocalRds, type IssuedIdentity, type LocalRds } from '@rds-iam/local'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { failure } from './failure'
import { pgClient } from './postgres-client'
import { sign } from './sign'

let rds: LocalRds
const issued: IssuedIdentity[] = []

beforeEach(async () => {
  issued.length = 0
  rds = await startLocalRds({
    backend: inject('postgresUrl'),
    region: 'eu-west-1',
    credentials: { lifetimeMs: 60_000, onIssued: (identity) => issued.push(identity) },
  })
})

afterEach(() => rds.close())

async function ask(): Promise<number> {
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI = '', AWS_CONTAINER_AUTHORIZATION_TOKEN = '' } =
    rds.credentials?.env.container ?? {}
  const headers = { authorization: AWS_CONTAINER_AUTHORIZATION_TOKEN }
  const { status } = await fetch(AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers })
  return status
}

async function reason(identity: IssuedIdentity | undefined): Promise<string | undefined> {
  const password = await sign(rds, identity === undefined ? {} : { identity })
  const session = await pgClient(rds, { password }).catch(() => undefined)
  await session?.end()
  return rds.logins.at(-1)?.reason
}

test('what they hand out logs in beside the configured identities, whatever becomes of those', async () => {
  expect(rds.credentials?.env.container.AWS_REGION).toBe('eu-west-1')
  expect(await ask()).toBe(200)
  expect(await reason(issued[0])).toBeUndefined()
  expect(await reason(undefined)).toBeUndefined()
  rds.setIdentities([])
  expect(await reason(issued[0])).toBeUndefined()
  await rds.configure({ clockOffsetMs: 60_000 })
  expect(await reason(issued[0])).toBe('IDENTITY_EXPIRED')
})

test('a key that was not handed out here does not log in', async () => {
  const other = await startLocalRds({
    backend: inject('postgresUrl'),
    credentials: { onIssued: (identity) => issued.push(identity) },
  })
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI = '', AWS_CONTAINER_AUTHORIZATION_TOKEN = '' } =
    other.credentials?.env.container ?? {}
  const headers = { authorization: AWS_CONTAINER_AUTHORIZATION_TOKEN }
  await fetch(AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers })
  expect(await reason(issued[0])).toBe('KEY_UNKNOWN')
  await other.close()
})

test('faults are switched on and off', async () => {
  rds.credentials?.setFault('container', 'error')
  expect(await ask()).toBe(500)
  rds.credentials?.setFault('container')
  expect(await ask()).toBe(200)
})

test('they end with the endpoint', async () => {
  const file = rds.credentials?.env.webIdentity.AWS_WEB_IDENTITY_TOKEN_FILE ?? ''
  expect(existsSync(file)).toBe(true)
  await rds.close()
  expect(existsSync(file)).toBe(false)
  expect(await failure(ask())).toBeInstanceOf(TypeError)
})

test('there are none unless they are asked for', async () => {
  const other = await startLocalRds({ backend: inject('postgresUrl'), credentials: false })
  expect(other.credentials).toBeUndefined()
  await other.close()
})

test('a wrong lifetime, or a port that is taken, ends the start', async () => {
  const start = (credentials: { lifetimeMs?: number; port?: number }) =>
    startLocalRds({ backend: inject('postgresUrl'), credentials })
  await expect(start({ lifetimeMs: Infinity })).rejects.toThrow('lifetimeMs must be')
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  await expect(start({ port: (taken.address() as AddressInfo).port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
  taken.close()
})
