import type { IamOptions } from '@rds-iam/core'
import { pgConfig } from '@rds-iam/core/pg'
import { startLocalRds, type CredentialSource, type IssuedIdentity, type LocalRds } from '@rds-iam/local'
import { Client } from 'pg'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { testStage } from './scene'

const USERS = Array.from({ length: 10 }, (_, number) => `user_${number}`)

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
    const config = pgConfig({
      host: 'localhost',
      port,
      user: USERS[0]!,
      database,
      ssl: { ca: local.ca },
      iam,
    })
    async function logIn(user: string): Promise<void> {
      const client = new Client({ ...config, user })
      await client.connect()
      await client.end()
    }
    return { scene, local, logIn }
  }

  it.each([
    ['container', 'container'],
    ['webIdentity', 'sts'],
  ] as ['container' | 'webIdentity', CredentialSource][])(
    'of ten users share what the source %s hands out',
    async (name, source) => {
      const { scene, local, logIn } = await open(name)
      await Promise.all(USERS.map(logIn))
      expect(scene.requests[source]).toBe(1)
      for (const user of USERS) {
        stage.passSeconds(8)
        await logIn(user)
      }
      expect(local.logins.map(({ verdict }) => verdict)).toEqual(Array(20).fill('accepted'))
      expect(scene.requests[source]).toBe(2)
    },
  )
})
