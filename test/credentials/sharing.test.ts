import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { IamOptions, TokenSignedEvent } from '@rds-iam/core'
import { SigningCredentials } from '@rds-iam/core/internal'
import { pgConfig } from '@rds-iam/core/pg'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import { Client } from 'pg'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { rejection } from '../contract/outcome'
import type { CredentialSource } from '../support/credential-endpoints/fault'
import type { IssuedIdentity } from '../support/credential-endpoints/issuer'
import { messagesDuring, testStage } from './scene'

const USERS = Array.from({ length: 10 }, (_, number) => `user_${number}`)

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('the logins of one configuration', () => {
  const stage = testStage()
  let rds: LocalRds | undefined
  afterEach(() => rds?.close())

  async function open(name: 'container' | 'webIdentity') {
    const identities: IssuedIdentity[] = []
    const local = await startLocalRds({ backend: inject('postgresUrl'), users: USERS })
    rds = local
    const scene = await stage.startEndpoints({
      lifetimeMs: 60_000,
      onIssued(identity) {
        identities.push(identity)
        local.setIdentities(identities)
      },
    })
    stage.set(scene.env[name])
    const iam: IamOptions = { region: local.region, timeoutMs: 15_000 }
    const { port, database } = local
    const options = { host: 'localhost', port, user: USERS[0]!, database, ssl: { ca: local.ca }, iam }
    const config = pgConfig(options)
    async function logIn(user: string, configuration = config): Promise<void> {
      const client = new Client({ ...configuration, user })
      await client.connect()
      await client.end()
    }
    return { scene, local, logIn, configure: () => pgConfig(options) }
  }

  it.each([
    ['container', 'container'],
    ['webIdentity', 'sts'],
  ] as ['container' | 'webIdentity', CredentialSource][])(
    'of ten users share the credentials from the source %s',
    async (name, source) => {
      const { scene, local, logIn } = await open(name)
      await Promise.all(USERS.map((user) => logIn(user)))
      expect(scene.requests[source]).toBe(1)
      for (const user of USERS) {
        stage.passSeconds(8)
        await logIn(user)
      }
      expect(local.logins.map(({ verdict }) => verdict)).toEqual(Array(20).fill('accepted'))
      expect(scene.requests[source]).toBe(2)
    },
  )

  it('share credentials with configurations of the same source only', async () => {
    const { scene, logIn, configure } = await open('container')
    await Promise.all(USERS.map((user) => logIn(user, configure())))
    expect(scene.requests.container).toBe(1)
    const other = await stage.startEndpoints()
    stage.set(other.env.container)
    await rejection(logIn(USERS[0]!, configure()))
    expect(other.requests.container).toBe(1)
    expect(scene.requests.container).toBe(1)
  })

  it('share credentials from STS in one region only', async () => {
    const { env, requests } = await stage.startEndpoints()
    const { AWS_REGION: _, ...withoutRegion } = env.webIdentity
    stage.set(withoutRegion)
    await new SigningCredentials({ region: 'eu-west-1' }).get()
    await new SigningCredentials({ region: 'eu-west-1' }).get()
    expect(requests.sts).toBe(1)
    await new SigningCredentials({ region: 'eu-west-3' }).get()
    expect(requests.sts).toBe(2)
  })

  it('do not keep tokens that have expired', async () => {
    const { logIn } = await open('container')
    const tokens = await messagesDuring<TokenSignedEvent>('rds-iam:token.signed', async () => {
      for (const user of USERS) await logIn(user)
    })
    // Only the token still references its date when the event message is gone.
    const dates = tokens.splice(0).map(({ expiresAt }) => new WeakRef(expiresAt))
    stage.passSeconds(61)
    await logIn('user_0')
    await new Promise(setImmediate)
    collectGarbage()
    expect(dates.filter((date) => date.deref())).toEqual([])
  })

  it('do not keep the credentials of an environment that was not used for an hour', async () => {
    stage.set({ AWS_ACCESS_KEY_ID: 'AKIAONE', AWS_SECRET_ACCESS_KEY: 'secret' })
    const identity = new WeakRef((await new SigningCredentials({}).get()).identity)
    stage.set({ AWS_ACCESS_KEY_ID: 'AKIATWO' })
    stage.passSeconds(3_661)
    await new SigningCredentials({}).get()
    await new Promise(setImmediate)
    collectGarbage()
    expect(identity.deref()).toBeUndefined()
  })
})
